"""Where an interrupt may be raised in a node.

An event loop that is torn out of its own steps forgets what it was about to do: a task whose step it had taken from its
list never wakes again, and waiting for the end of that task, as `asyncio.run` does, never ends. So inside the loop's
own code the interrupt waits for the loop's next step; in the node's code it is raised at once.

(`asyncio.run` sees to this itself only on Python 3.11 and later, and only where the handler of SIGINT is Python's own.)
"""

from aim_worker_own import __builtins__, modules, os  # noqa: F401

STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep
INSTALLED = os.path.join(STANDARD_LIBRARY, "site-packages") + os.sep


def loop_that_works(frame):
    """The running event loop, if the frame is in its code or in what it called of the standard library; else None."""
    asyncio = modules.get("asyncio")
    while asyncio is not None and frame is not None:
        file = frame.f_code.co_filename
        if not file.startswith(STANDARD_LIBRARY) or file.startswith(INSTALLED):
            return None
        if str(frame.f_globals.get("__name__")).startswith("asyncio."):
            return asyncio._get_running_loop()
        frame = frame.f_back
    return None


class Interrupt:
    """Raises KeyboardInterrupt, now or at the event loop's next step."""

    def __init__(self):
        self.waiting = None

    def __call__(self, frame):
        loop = loop_that_works(frame)
        if loop is None or loop is self.waiting:  # One that is still waiting did not help.
            self.waiting = None
            raise KeyboardInterrupt
        self.waiting = loop
        loop.call_soon_threadsafe(self.step)

    def step(self):
        self.waiting = None
        raise KeyboardInterrupt
