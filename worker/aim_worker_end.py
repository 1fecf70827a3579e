"""How a worker ends in peace, and how it becomes another one under a backend that does not replace it.

**Invariant:** an end takes no longer than `LIMIT`, whatever a node left behind.
"""

import _thread
import sys

from aim_worker_nodes import stamp_of
from aim_worker_own import __builtins__, modules, os, signal, time  # noqa: F401
from aim_worker_text import from_json

LIMIT = 1.0
PYTHON, FOLDER, VARIABLES = sys.executable, os.getcwd(), dict(os.environb)
FLAGS = [("-I", sys.flags.isolated), ("-S", sys.flags.no_site), ("-s", sys.flags.no_user_site)]
COMMAND = [PYTHON, "-u"] + [flag for flag, is_set in FLAGS if is_set] + sys.argv


def limit_end():
    """What comes is what Python does at its end. The system ends it when it takes too long: a thread could not."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM,))
    signal.setitimer(signal.ITIMER_REAL, LIMIT)


def run_end():
    """What Python does at its end, as far as that can be done in a process that goes on: threads and `atexit`."""
    over = _thread.allocate_lock()
    over.acquire()

    def run():
        try:
            join_threads(time.monotonic() + LIMIT)
            __import__("atexit")._run_exitfuncs()
        finally:
            over.release()

    _thread.start_new_thread(run, ())
    over.acquire(True, 2 * LIMIT)


def join_threads(deadline):
    threading = modules.get("threading")
    for thread in threading.enumerate() if threading is not None else ():
        if not thread.daemon and thread not in (threading.main_thread(), threading.current_thread()):
            thread.join(max(deadline - time.monotonic(), 0))


def keepers(root):
    """The folders that may keep the record, best first: of several projects of one environment the first does."""
    # `sys.prefix` is not the environment before `site` is there.
    environment = os.path.dirname(os.path.dirname(PYTHON))
    try:
        with open(os.path.join(environment, ".aim", "project"), "rb") as stream:
            named = [os.fsdecode(stream.read().split(b"\t")[0].strip())]
    except OSError:
        named = []
    return [root] + named + [environment]


class Record:
    """The generation that `env_meta.json` says, of the project or else of the environment."""

    def __init__(self, root):
        self.files = [os.path.join(folder, "env_meta.json") for folder in keepers(root)]
        self.stamps = None
        self.generation = None
        self.has_changed()

    def has_changed(self):
        """Whether it is another one now. A file that does not say one, as AIM-Forge writes it, says nothing new."""
        stamps = [stamp_of(file) for file in self.files]
        if stamps == self.stamps:
            return False
        self.stamps = stamps
        now = self.read()
        before, self.generation = self.generation, self.generation if now is None else now
        return now is not None and now != before

    def read(self):
        for file in self.files:
            try:
                with open(file, "rb") as stream:
                    generation = from_json(stream.read().decode()).get("generation")
            except FileNotFoundError:
                continue
            except Exception:  # It is being written, or somebody else's.
                return None
            return generation if isinstance(generation, int) else None
        return None


def begin_anew(channel):
    """Become a new process on the same descriptors. Where that cannot be, all stays as it is."""
    run_end()
    os.chdir(FOLDER)
    os.dup2(channel.source, 0)
    os.dup2(channel.replies, 1)
    try:
        os.execve(PYTHON, COMMAND, VARIABLES)
    except OSError:
        for number in range(2):
            os.dup2(channel.streams[number], number)
