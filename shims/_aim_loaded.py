"""Notes which modules a process looks for, for `aim-worker supervise --on loaded`.

The supervisor puts this into a folder of its own as `sitecustomize`, and that folder first on PYTHONPATH, so that every
Python which the command starts has it. Beside it lies the list `loaded`: a line for the full name of each module that
was looked for, found or not. A finder at the front of `sys.meta_path` notes them, and finds nothing.

It runs inside other people's programs: it never raises, prints nothing, and leaves things as if it had not been there;
the `sitecustomize` that would have come runs then. Where a name cannot be noted the list goes, so that nobody takes a
part of it for the whole. What the system is asked for is bound here, before others put theirs in its place (gevent).
"""

import os
import sys
from posix import O_APPEND, O_CLOEXEC, O_RDWR, close, fstat, open, read, unlink, write

FOLDER = os.path.dirname(os.path.abspath(__file__))
# What others have noted is not noted again, up to so many bytes.
LONGEST = 1 << 20


class Finder:
    """Finds nothing, and notes each name that it is asked for."""

    def __init__(self, place):
        self.place = place
        self.noted = set()
        self.descriptor = self.identity = None
        self.is_over = False

    def find_spec(self, name, path=None, target=None):
        """Notes the name, and those that a finder before this one has handed out since the last."""
        try:
            if name not in self.noted:
                self.note([name])
            if sys.meta_path[0] is not self:
                self.note(self.handed_out())
        except Exception:  # the program must run, whatever went wrong here
            self.give_up()

    def handed_out(self):
        """The modules, newest first, that came after one that was noted."""
        names = []
        try:
            for name in reversed(sys.modules):
                if name in self.noted:
                    break
                names.append(name)
        except RuntimeError:  # another thread imports: the next look has them
            return []
        return names

    def note(self, names):
        """Appends names to the list. The descriptor may be another file's by now: daemons close all that they have."""
        self.noted.update(names)
        if self.is_over or not names:
            return
        try:
            if not self.is_open():
                self.open()
            text = "".join([name + "\n" for name in names]).encode("utf-8", "backslashreplace")
            if write(self.descriptor, text) != len(text):
                self.give_up()
        except OSError:
            self.give_up()

    def is_open(self):
        """Whether the descriptor is the list's still."""
        try:
            now = fstat(self.descriptor)
        except OSError:
            return False
        return (now.st_ino, now.st_dev) == self.identity

    def open(self):
        """Opens the list. A number of a standard stream would make it one."""
        descriptor = open(self.place, O_RDWR | O_APPEND | O_CLOEXEC)
        if descriptor < 3:
            close(descriptor)
            raise OSError
        now = fstat(descriptor)
        self.descriptor, self.identity = descriptor, (now.st_ino, now.st_dev)

    def begin(self):
        """Notes what start-up has loaded, if the processes before this one have not."""
        try:
            self.open()
            self.noted.update(read(self.descriptor, LONGEST).decode("utf-8", "replace").split("\n"))
            self.note([name for name in list(sys.modules) if name not in self.noted])
        except Exception:  # the program must run, whatever went wrong here
            self.give_up()

    def give_up(self):
        """Takes the list away: without it, every change counts."""
        if not self.is_over:
            self.is_over = True
            try:
                unlink(self.place)
            except OSError:  # it is gone with its supervisor
                pass


def step_aside():
    """Leaves the path as it would be, and has the next `sitecustomize` take the place of this one."""
    sys.path[:] = [folder for folder in sys.path if folder != FOLDER]
    sys.path_importer_cache.pop(FOLDER, None)
    sys.modules.pop(__name__, None)


finder = Finder(os.path.join(FOLDER, "loaded"))
finder.begin()
sys.meta_path.insert(0, finder)
step_aside()
# Where there is none, Python takes this error for what it is.
import sitecustomize  # noqa: E402,F401
