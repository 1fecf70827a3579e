"""What is different about Python in a view: the files of an earlier generation, reached by links.

Nothing may be written through the links: what they lead to is all that is left of those files. So what Python compiles
of them goes elsewhere, and pip and uv are told that nothing can be installed here.
00_aim_view.pth has this module imported before other start-up code runs. It runs inside other people's programs: it
uses only what start-up has loaded, and never raises but to refuse.
"""

import os
import sys
from _frozen_importlib_external import PathFinder

REFUSAL = "@REFUSAL@"

# The view, and the folder that views and the files which they lead to lie in.
VIEW = os.path.abspath(__file__).rsplit("/", 4)[0]
AIM = os.path.dirname(os.path.dirname(VIEW))
OURS = (AIM + "/", os.path.realpath(AIM) + "/")

# Where these files are, and where what is compiled of them is for every view that has them.
ARCHIVE = OURS[1] + "archive/"
SHARED = AIM + "/views/compiled/"

# Where pip keeps the class of its commands, those of them that install, and the options by which they do so elsewhere.
DOOR = "pip._internal.cli.base_command"
REFUSED = ("install", "uninstall")
HARMLESS = ("-t", "--target", "--prefix", "--root", "--dry-run", "-h", "--help")


def keep_compiled_apart():
    """Has what is compiled of the view put into a folder of its own, also by those who ask where it belongs (pytest),
    and what is compiled of what it leads to beside what other views compile of that. All other files have theirs where
    it always is."""
    if sys.pycache_prefix is not None:  # the person has said where
        return
    importing = sys.modules["_frozen_importlib_external"]
    usual = importing.cache_from_source
    apart = sys.pycache_prefix = VIEW + "/compiled"
    places = {}

    def place_of(folder):
        if folder not in places:
            real = os.path.realpath(folder) + "/"
            is_kept = real.startswith(ARCHIVE)
            places[folder] = SHARED + real[len(ARCHIVE) :] if is_kept else apart + folder
        return places[folder]

    def cache_from_source(path, debug_override=None, *, optimization=None):
        compiled = usual(path, debug_override, optimization=optimization)
        if not compiled.startswith(apart + "/"):
            return compiled
        place = compiled[len(apart) :]
        folder, name = os.path.split(place)
        if place.startswith(OURS):
            return os.path.join(place_of(folder), name)
        return os.path.join(folder, "__pycache__", name)

    importing.cache_from_source = cache_from_source
    if "importlib.util" in sys.modules:
        sys.modules["importlib.util"].cache_from_source = cache_from_source


class Finder:
    """Finds the module of pip's commands, and nothing else. As the hook's `inside` does, which no view has."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = PathFinder.find_spec(name, path) if name == DOOR else None
        if spec is None:
            return None
        # A zipped module is loaded in the old way before Python 3.10.
        way = "exec_module" if hasattr(spec.loader, "exec_module") else "load_module"
        load = getattr(spec.loader, way)

        def load_and_stand_in(given):
            delattr(spec.loader, way)  # from now on the loader is as it was
            module = load(given)
            command = sys.modules[DOOR].Command
            command.main = refusing(command.main)
            return module

        setattr(spec.loader, way, load_and_stand_in)
        return spec


def refusing(main):
    """The main of pip's commands for this environment: what would install into it is refused."""

    def main_unless_refused(self, args):
        options = [word.split("=")[0] for word in args]
        if self.name in REFUSED and not any(option in HARMLESS for option in options):
            sys.exit("ERROR: " + REFUSAL)
        return main(self, args)

    return main_unless_refused


def is_asked_by_uv():
    """Whether uv looks at this interpreter, which it does before it installs by itself."""
    words = getattr(sys, "orig_argv", None)  # Python 3.10 and newer
    if words is None:
        try:
            with open("/proc/self/cmdline", "rb") as stream:
                words = os.fsdecode(stream.read()).split("\0")
        except OSError:
            words = ()
    return any("get_interpreter_info" in word for word in words)


keep_compiled_apart()
sys.meta_path.insert(0, Finder)
if is_asked_by_uv():
    # Installers keep out of an environment of the system's that has this file (PEP 668). uv would then go on to another
    # environment, today's. So it hears of one below that file, where nothing can be.
    sys.prefix = sys.exec_prefix = os.path.join(os.path.dirname(os.path.dirname(__file__)), "EXTERNALLY-MANAGED")
