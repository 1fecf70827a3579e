"""The files that the process has loaded, and whether they are still the same: what the policy `loaded` asks.

A file counts as it was when the module came. Paths that `.pth` files add are looked at too: Python reads those at its
start only, so a new one needs a new process.
"""

import sys

from aim_worker_nodes import module_file, stamp_of
from aim_worker_own import __builtins__, modules, os, time  # noqa: F401


class LoadedFiles:
    """Stamps of all modules' files. One that was written while its node ran is taken for changed."""

    def __init__(self):
        self.stamps = {}
        self.path_files = {}
        self.count = 0

    def begin(self):
        """The environment was entered: from here on changes matter."""
        self.path_files = path_files()
        self.note(time.time_ns())

    def note(self, started):
        """Remember what came since the last time. The number of modules tells whether anything did."""
        if len(modules) == self.count:
            return
        self.count = len(modules)
        now = time.time_ns()
        for module in list(modules.values()):
            file = module_file(module)
            if isinstance(file, str) and file not in self.stamps:
                stamp = stamp_of(file)
                is_doubtful = stamp is not None and started < stamp[2] <= now
                self.stamps[file] = () if is_doubtful else stamp

    def changed(self):
        """The files that are others now, or gone, or new if they add paths."""
        found = {file for file, stamp in self.stamps.items() if stamp_of(file) != stamp}
        before, now = self.path_files, path_files()
        found.update(file for file in set(before) | set(now) if before.get(file) != now.get(file))
        return sorted(found)


def path_files():
    """The `.pth` files of the environment with their stamps."""
    found = {}
    for folder in sys.path:
        if not folder.endswith("-packages"):
            continue
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            if name.endswith(".pth"):
                file = os.path.join(folder, name)
                found[file] = stamp_of(file)
    return found
