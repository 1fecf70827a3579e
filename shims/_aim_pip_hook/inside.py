# aim-toolkit hook 1. `aim-venv-sync remove` takes it away.
"""Remembers calls of pip from inside a program (runpy, pip.main, pip's own commands, a zipped pip, ensurepip,
another Python's pip with --python).

Whatever way leads there, pip does its work in the method main of a command. Its module is loaded as always, and then
the method is stood in for by one that has aim-pip beside it: `aim-pip --aim-beside` waits for the environment's lock,
notes what is installed, answers `go`, and enters the run into the history when it is told how pip ended, or when this
process is gone. pip itself runs here, unchanged, and its output is not looked at. It is any pip that changes this
environment, from 19 on, also one in a wheel or a zip.

As in _aim_pip_hook: nothing here raises or prints, and no file is opened by name.
"""

import os
import sys
from _frozen_importlib_external import PathFinder

from _aim_pip_hook import AIM_PIP, BUILDING, READING, is_switched_off, only_reads

# Where pip keeps the class of its commands.
DOOR = "pip._internal.cli.base_command"


class _Finder:
    """Finds the module of pip's commands, and nothing else."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != DOOR:
            return None
        try:
            return _spec(name, path)
        except Exception:  # pip must run, whatever went wrong here
            return None


def watch():
    """Begins to wait for pip's commands."""
    sys.meta_path.insert(-1, _Finder)


def _spec(name, path):
    spec = PathFinder.find_spec(name, path)
    if spec is None:
        return None
    # A zipped module is loaded in the old way before Python 3.10.
    way = "exec_module" if hasattr(spec.loader, "exec_module") else "load_module"
    load = getattr(spec.loader, way)

    def load_and_stand_in(given):
        delattr(spec.loader, way)  # from now on the loader is as it was
        module = load(given)
        try:
            command = sys.modules[DOOR].Command
            command.main = _remembered(command.main)
        except Exception:  # another pip than we know: it is left alone
            pass
        return module

    setattr(spec.loader, way, load_and_stand_in)
    return spec


def _remembered(main):
    """main, with aim-pip beside it where the call can change the environment."""

    def remembered(self, *args, **kwargs):
        if is_switched_off():
            return main(self, *args, **kwargs)
        beside = _begin(self.name, *args, **kwargs)
        status = 1  # what Python makes of an exception
        starts_pips = self.name not in READING or self.name in BUILDING
        if starts_pips:
            os.environ["AIM_PIP_GUARD"] = "1"  # what pip starts from here on is part of this call
        try:
            status = main(self, *args, **kwargs)
            return status
        except SystemExit as leaving:
            status = leaving.code
            raise
        finally:
            if starts_pips:
                os.environ.pop("AIM_PIP_GUARD", None)
            if beside is not None:
                beside.end(status)

    remembered.__dict__.update(main.__dict__)
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(remembered, name, getattr(main, name))
    remembered.__wrapped__ = main
    return remembered


def _begin(name, args):
    """aim-pip beside this call; None when it has nothing to do there."""
    try:
        args = [name] + list(args)
        if only_reads(args) or not os.access(AIM_PIP, os.X_OK):
            return None
        beside = _Beside([os.fsencode(arg) for arg in args])
        return beside if beside.goes() else None
    except Exception:  # pip must run, whatever went wrong here
        return None


class _Beside:
    """aim-pip, while pip runs in this process."""

    def __init__(self, args):
        import subprocess  # pip needs it as well

        self.owner = os.getpid()
        call = [AIM_PIP, b"--aim-beside=%d" % self.owner, os.fsencode(sys.prefix)]
        self.process = subprocess.Popen(call + args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        # A process that is forked meanwhile would keep the run from ending.
        os.register_at_fork(after_in_child=self._close_pipes)

    def goes(self):
        """Waits until it is this call's turn; False when nobody wants to remember it."""
        goes = False
        try:
            goes = self.process.stdout.readline() == b"go\n"
        except BaseException:  # Ctrl-C while another pip has its turn
            self.process.kill()
            raise
        finally:
            if not goes:
                self._close()
        return goes

    def end(self, status):
        """Tells it how pip ended, and waits until that is remembered."""
        if os.getpid() != self.owner:
            return  # a fork that came out of pip
        if status is None:
            status = 0
        elif not isinstance(status, int):
            status = 1
        try:
            self.process.stdin.write(b"%d\n" % status)
        except OSError:
            pass
        self._close()

    def _close(self):
        self._close_pipes()
        self.process.wait()

    def _close_pipes(self):
        self.process.stdin.close()
        self.process.stdout.close()
