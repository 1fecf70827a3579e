"""The loaded modules, and whether a process that starts now would load the same ones.

Before each node those that can be loaded again (Python source that is the person's own, in the project or beside it, or
in an archive) are compared with their files, and forgotten when one changed: all of them, not only that one, since
others hold its functions and classes under their own names (`from helper import f`), also indirectly, and two versions
of a class in one process are worse than an import. Where another module cannot be the same any more (one that is
installed, an extension, what was missing when an installed module asked for it), the process is spent: another has to
run the node.

What is installed is seldom changed by hand, and there may be a thousand files of it. So while node follows node without
a pause, looking at them and at the folders may take one part in a hundred of the time. After a millisecond's pause it
is always done.
"""

import sys

from aim_worker_nodes import hidden, import_standard, is_standard, stamp_of
from aim_worker_own import Function, __builtins__, modules, os, own_sys, time  # noqa: F401
from aim_worker_path import SearchPath, can_load_again, forget_archive, is_elsewhere, place_of

SHARE = 100
PAUSE = 0.001
CODE = type, Function
# Packages of the standard library that load parts of themselves later, by their names: they cannot be put aside.
LAZY = "asyncio", "concurrent"


class Modules:
    def __init__(self, root, started, tell):
        self.root = root
        self.tell = tell
        self.started = started
        self.count = 0
        self.look_at = 0
        self.path = SearchPath()
        self.known, self.at_start = set(), frozenset(modules)
        # By name: where it was found, the file that says whether it is the same, and that file's stamp.
        self.own, self.fixed = {}, {}
        # The folder of the last node's file, where it is on the path for that.
        self.beside = None
        # What came by startup files is not asked for again by anybody.
        self.note(self.fixed)
        self.at_start = frozenset(self.known)

    def stand_beside(self, folder):
        """Let what lies in the folder of a node's file be imported, after all that is found otherwise.

        What was imported so beside another node is forgotten: `util` is another one here.
        """
        if folder == self.beside or not isinstance(sys.path, list):
            return
        self.note()
        before, self.beside = self.beside, None
        if before is not None:
            if before in sys.path:
                del sys.path[len(sys.path) - 1 - sys.path[::-1].index(before)]
            theirs = [place for name, (place, _, _) in self.own.items() if "." not in name and isinstance(place, str)]
            if any([before in (os.path.dirname(place), os.path.dirname(os.path.dirname(place))) for place in theirs]):
                self.drop()
        if folder is not None and folder not in sys.path:
            sys.path.append(folder)
            self.beside = folder

    def refresh(self, last=0):
        """Before a node: forget what can be loaded again if it has to be. Tells why this process is spent, if it is.

        `last` is when the last reply was given.
        """
        self.started = time.time_ns()
        self.note()
        changed = [file for _, file, stamp in self.own.values() if stamp_of(file) != stamp]
        now, why = time.perf_counter(), None
        if now >= self.look_at or now - last > PAUSE:
            try:
                why = self.look(changed)
            except Exception:  # A node put something else in the place of what Python finds modules by.
                pass
            after = time.perf_counter()
            self.look_at = after + SHARE * (after - now)
        if changed:
            for file in changed:
                forget_compiled(file)
            if why is None and self.is_held():
                why = {"reason": "file-changed", "file": changed[0]}
            if why is None:
                self.forget(changed)
        # A folder's listing is kept by its time; a helper written in the same tick would not be found.
        finder = own_sys.path_importer_cache.get(self.root)
        if finder is not None:
            finder.invalidate_caches()
        return why

    def look(self, changed):
        """Look at all else: add to `changed` what can be loaded again, or give the reason why this process is spent."""
        for _, file, stamp in self.fixed.values():
            if stamp_of(file) != stamp:
                return {"reason": "file-changed", "file": file}
        for name in self.path.look(self.known):
            place = place_of(name)
            loaded = self.own.get(name) or self.fixed.get(name)
            if place is None:
                if loaded is None or loaded[1]:
                    continue  # A file that is gone tells so itself; a namespace has none.
                place = ()
            shown = place if isinstance(place, str) else (place or loaded[0])[-1]
            if loaded is not None and loaded[0] != place:
                if name in self.fixed:
                    return {"reason": "comes-first", "file": shown}
                changed.append(shown)
            elif loaded is None and name not in modules:
                if not all(map(can_load_again, self.path.failures.files.pop(name, ()))):
                    return {"reason": "import-works", "file": shown}
                changed.append(shown)
            elif loaded is None and name not in self.at_start and is_elsewhere(name):
                return {"reason": "comes-first", "file": shown}
        startup = self.path.changed_startup()
        return None if startup is None else {"reason": "startup-changed", "file": startup}

    def note(self, kind=None):
        """After a node: remember what it imported. The number of modules tells whether it imported anything."""
        if len(modules) == self.count:
            return
        self.path.watch_path()
        for name, module in list(modules.items()):
            if name not in self.known:
                self.known.add(name)
                try:
                    self.classify(name, object.__getattribute__(module, "__dict__"), kind)
                except Exception:  # Anything may stand among the modules.
                    pass
        self.count = len(modules)

    def hide(self, name):
        """Put aside what only the worker has asked for, where the project has a module of that name."""
        is_lazy = name.partition(".")[0] in LAZY
        if name not in self.at_start and not is_lazy and is_elsewhere(name):
            hidden[name] = modules.pop(name)
            self.known.discard(name)

    def classify(self, name, members, kind):
        place, parts = members.get("__file__"), members.get("__path__")
        if not isinstance(place, str):
            place = tuple(parts) if parts is not None else None
            if not place or any(map(is_standard, place)):
                return
            # A namespace: its parts are compared, and it has no file.
            file, stamp = "", None
            is_own = not any("-packages/" in os.path.join(part, "") for part in place)
        elif is_standard(place):
            return self.hide(name)
        else:
            archive = getattr(getattr(members.get("__spec__"), "loader", None), "archive", None)
            file = archive if isinstance(archive, str) else place
            is_own = can_load_again(place)
            stamp = stamp_of(file)
            # Written while the node ran, perhaps after it was imported: load it again next time.
            if stamp is not None and self.started < stamp[2] <= time.time_ns():
                stamp = ()
        kind = kind if kind is not None else self.own if is_own else self.fixed
        kind[name] = (place, file, stamp)
        for part in parts or ():
            self.path.watch(part, name + ".")
        self.path.watch_namesakes(name)

    def is_held(self):
        """Whether a module that cannot be loaded again has one that can, or a part of it, or missed one."""
        held = {id(modules.get(name)) for name in self.own}
        for name in self.fixed:
            for value in list(getattr(modules.get(name), "__dict__", {}).values()):
                if id(value) in held or (isinstance(value, CODE) and getattr(value, "__module__", None) in self.own):
                    return True
        missed = self.path.failures.files.items()
        missed = [files for name, files in missed if name.rpartition(".")[0] in self.own]
        return not all(can_load_again(file) for files in missed for file in files)

    def changed(self):
        """The files that make another process of a new one, and that nobody loads again here.

        Asked at a change of the environment, which may be a moment after the last look.
        """
        found = {file for _, file, stamp in self.fixed.values() if stamp_of(file) != stamp}
        self.path.look_for_startup()
        startup = self.path.changed_startup()
        return sorted(found if startup is None else found | {startup})

    def forget(self, changed):
        self.drop()
        self.tell(changed[0])

    def drop(self):
        for name in self.own:
            forget_module(name)
        self.known.difference_update(self.own)
        self.own.clear()
        self.count = 0
        import_standard("importlib").invalidate_caches()


def forget_module(name):
    """Drop a module, also as a member of its package, which stays if it is a namespace that others have parts in."""
    modules.pop(name, None)
    package, _, member = name.rpartition(".")
    if package in modules:
        vars(modules[package]).pop(member, None)


def forget_compiled(file):
    """Remove the compiled copy of an edited file: Python compares whole seconds, and would take it for the new one.

    What is no source is an archive, whose listing Python keeps.
    """
    if not file.endswith(".py"):
        return forget_archive(file)
    try:
        os.unlink(import_standard("importlib.util").cache_from_source(file))
    except (OSError, NotImplementedError):
        pass
