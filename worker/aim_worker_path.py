"""Where modules come from: the folders and archives that Python looks through, and what was asked for in vain.

A folder's time says whether to list it; its names say which modules may be others. Only for those is asked where a new
process would find them. So a node that writes its results beside its modules costs a listing and nothing more.

**Invariant:** the standard library is not looked at. Another one comes with another interpreter.
"""

import _frozen_importlib_external
import _imp
import site
import sys

from aim_worker_nodes import clock_tick, is_standard, stamp_of
from aim_worker_own import __builtins__, modules, os, own_sys  # noqa: F401

OWN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "aim_worker")
STARTUP = (".pth", ".start")
REMEMBERED = 10000
find_on_path = _frozen_importlib_external.PathFinder.find_spec


def can_load_again(file):
    """True for source that is nobody's but the person's: in the project, beside it, in a folder put on the path."""
    return file.endswith(".py") and "-packages/" not in file and not is_standard(file)


class Failures:
    """The last finder of all: it finds nothing, and remembers what was asked for in vain, and in which files."""

    def __init__(self):
        self.files = {}

    def find_spec(self, name, _path=None, _target=None):
        frame = own_sys._getframe(1)
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(OWN) or frame.f_globals.get("__name__") == "__main__":
                return  # A node asks anew each time.
            if file[:1] != "<" and not is_standard(file):
                if name in self.files or len(self.files) < REMEMBERED:
                    self.files.setdefault(name, set()).add(file)
                return
            frame = frame.f_back

    def invalidate_caches(self):
        pass


class Folder:
    """What Python looks through for `prefix` and a name: names, or what else is there (an archive, or nothing)."""

    __slots__ = ("path", "file", "prefix", "stamp", "names", "may_start", "startup_names", "startup")

    def __init__(self, path, prefix):
        self.path, self.file, self.prefix, self.stamp, self.names = path, file_with(path), prefix, (), frozenset()
        self.may_start, self.startup_names = not prefix and path.endswith("-packages"), ()
        self.look()
        self.startup = self.startup_files()

    def look(self):
        """The modules that came, went or may be others since the last time; None where that may be any."""
        stamp, tick = stamp_of(self.file), clock_tick()
        if stamp == self.stamp:
            return ()
        before = self.names
        try:
            self.names = frozenset(os.listdir(self.path))
        except OSError:
            self.names = frozenset()
        self.note_startup(self.names)
        # Written in this very tick of the clock, it could be written again and look the same.
        self.stamp = stamp if stamp is None or stamp[2] < tick else ()
        if not self.names and not before:
            return None
        found = {name.partition(".")[0] for name in self.names ^ before}
        return [self.prefix[:-1] if stem == "__init__" else self.prefix + stem for stem in found]

    def note_startup(self, names):
        self.startup_names = [name for name in names if name.endswith(STARTUP)] if self.may_start else ()

    def look_for_startup(self):
        """What `look` finds of startup files, whenever that was."""
        if self.may_start:
            try:
                self.note_startup(os.listdir(self.path))
            except OSError:
                self.note_startup(())

    def startup_files(self):
        """Files that Python reads at its start only, with their stamps."""
        return {name: stamp_of(os.path.join(self.path, name)) for name in self.startup_names}


class SearchPath:
    """All that is looked through for the modules that are loaded, and for those that were not found."""

    def __init__(self):
        self.folders = {}
        self.failures = Failures()
        sys.meta_path.append(self.failures)
        # Folders of packages that a new process would have on its path if they were there.
        self.missing = site.getsitepackages() + ([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])
        self.missing = [folder for folder in self.missing if not os.path.isdir(folder)]
        self.watch_path()

    def watch_path(self):
        paths = getattr(sys, "path", None)
        for path in list(paths) if isinstance(paths, list) else ():
            if isinstance(path, str):
                self.watch(path, "")

    def watch(self, path, prefix):
        if (path, prefix) not in self.folders and not is_standard(os.path.join(path, "")):
            self.folders[path, prefix] = Folder(path, prefix)
            forget_listing(path)

    def watch_namesakes(self, name):
        """Folders of a module's name beside it become a package, that comes first, when they get an `__init__`."""
        parent, _, last = name.rpartition(".")
        prefix = parent and parent + "."
        for folder in list(self.folders.values()):
            if folder.prefix == prefix and last in folder.names:
                self.watch(os.path.join(folder.path, last), name + ".")

    def look_for_startup(self):
        for folder in self.folders.values():
            folder.look_for_startup()

    def changed_startup(self):
        """What came, went or changed, and a new process would have read at its start."""
        for folder in self.missing:
            if os.path.isdir(folder):
                return folder
        for folder in self.folders.values():
            if folder.startup_names or folder.startup:
                now, before = folder.startup_files(), folder.startup
                changed = [name for name in set(now) | set(before) if now.get(name) != before.get(name)]
                if changed:
                    return os.path.join(folder.path, min(changed))
        return None

    def look(self, loaded):
        """The names, of the loaded modules and of those asked for in vain, that may be found elsewhere now."""
        self.watch_path()
        found = set()
        for folder in list(self.folders.values()):
            names = folder.look()
            if names is None:
                forget_archive(folder.file)
                names = [name for name in list(loaded) + list(self.failures.files) if name.startswith(folder.prefix)]
            if names or folder.stamp == ():
                forget_listing(folder.path)
            found.update(names)
        found = [name for name in found if name in loaded or name in self.failures.files]
        for name in found:
            self.watch_namesakes(name)
        return found


def place_of(name):
    """The file in which a new process would find a module, or the folders of its parts; None for none."""
    parent = name.rpartition(".")[0]
    path = None
    if parent:
        path = getattr(modules.get(parent), "__path__", None)
        if path is None:
            return None
    spec = find_on_path(name, path)
    if spec is None:
        return None
    return spec.origin if spec.has_location else tuple(spec.submodule_search_locations or ())


def is_elsewhere(name):
    """Whether a new process would find a module of the standard library's in a file that is none of its."""
    top = name.partition(".")[0]
    if top in own_sys.builtin_module_names or _imp.is_frozen(top):
        return False
    place = place_of(top)
    return bool(place) and not is_standard(place if isinstance(place, str) else place[-1])


def forget_listing(path):
    """Let a folder be listed again by Python; one that was not there, too."""
    finder = own_sys.path_importer_cache.get(path)
    if finder is None:
        own_sys.path_importer_cache.pop(path, None)
    elif hasattr(finder, "invalidate_caches"):
        finder.invalidate_caches()


def file_with(path):
    """The archive that a path such as `lib.zip/inner` leads into; else the path itself."""
    above = path
    while above and not os.path.exists(above):
        above = os.path.dirname(above)
    return above if os.path.isfile(above) else path


def forget_archive(file):
    """Let an archive be read again: before Python 3.10 each finder keeps the listing that it has once read."""
    finders = own_sys.path_importer_cache
    for path, finder in list(finders.items()):
        if finder is None and path == file or getattr(finder, "archive", None) == file:
            finders.pop(path, None)
    zipimport = modules.get("zipimport")
    if zipimport is not None:
        zipimport._zip_directory_cache.pop(file, None)
