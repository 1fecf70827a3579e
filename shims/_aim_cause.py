"""Asks which change of the environment a failed import comes of, for a command under `aim-venv-sync run`.

That puts this into a folder of its own as `sitecustomize`, and that folder first on PYTHONPATH, so that every Python
which the command starts has it. One that ends because a module is missing, or is another than was expected, has
`aim-logs` say so behind its traceback. Python itself keeps the error, so nothing is put in the place of anything.

It runs inside other people's programs: it never raises, and leaves things as if it had not been there; the
`sitecustomize` that would have come runs then.
"""

import os
import sys
from atexit import register

FOLDER = os.path.dirname(os.path.abspath(__file__))
PROGRAM = "@PROGRAM@"
PROJECT = "@PROJECT@"
KINDS = (ImportError, AttributeError)
# Enough for the sentence and a path.
LONGEST = 4000


def told():
    """Has it said of the error by which this process ends, if it is of one of these kinds."""
    try:
        error = getattr(sys, "last_value", None)
        # A person who types has seen it long ago.
        if not isinstance(error, KINDS) or hasattr(sys, "ps1"):
            return
        words = "%s: %s" % (type(error).__name__, error)
        command = [PROGRAM, "cause", "--project", PROJECT, "--", words[:LONGEST]]
        os.waitpid(os.posix_spawn(PROGRAM, command, os.environ), 0)
    except Exception:  # the program ends as it would have
        pass


def step_aside():
    """Leaves the path as it would be, and has the next `sitecustomize` take the place of this one."""
    sys.path[:] = [folder for folder in sys.path if folder != FOLDER]
    sys.path_importer_cache.pop(FOLDER, None)
    sys.modules.pop(__name__, None)


register(told)
step_aside()
# Where there is none, Python takes this error for what it is.
import sitecustomize  # noqa: E402,F401
