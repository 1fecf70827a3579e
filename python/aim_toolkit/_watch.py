"""`on_change`: one thread of this process looks once a second whether the environment is another one."""

import os
import sys
import threading
from typing import Any, Callable, List, NamedTuple, Optional, Tuple

from aim_toolkit._environment import generation
from aim_toolkit._installed import Difference, Installed, differences

# Seconds between two looks, each of some microseconds while nothing changes.
PAUSE = 1.0


class Change(NamedTuple):
    """How the environment differs from what it was at the callback before, or when `on_change` was called."""

    before: Optional[int]
    """The generation that was; None where the environment has no record."""
    after: Optional[int]
    """The generation that is. The same one where the change is not recorded yet: then another call tells of that."""
    changes: Tuple[Difference, ...]
    """The distributions that differ, by name; none where only something else does, such as a path file."""


def on_change(callback: Callable[[Change], Any]) -> "Watch":
    """Have `callback` called with a `Change` after each change of the environment, until the result is cancelled.

        with aim_toolkit.on_change(lambda change: print(change.after, change.changes)):
            serve()

    The calls come from a thread of their own, which looks once a second, waits while an installer is at work, and does
    not keep the process from ending. An exception of the callback goes to `threading.excepthook`, which prints it, and
    the next change is told all the same. A child by `os.fork` is told of nothing that its parent asked for.
    """
    return _watcher.add(callback)


class Watch:
    """What `on_change` gives: ends when it is cancelled, or left where it stands in a `with`."""

    def __init__(self, callback: Callable[[Change], Any]) -> None:
        self._callback = callback

    def cancel(self) -> None:
        """Let there be no further call; one that has begun goes on. To do it twice is no error."""
        _watcher.remove(self)

    def __enter__(self) -> "Watch":
        return self

    def __exit__(self, *_about: object) -> None:
        self.cancel()

    def _call(self, change: Change) -> None:
        try:
            self._callback(change)
        except BaseException:
            about = (*sys.exc_info(), threading.current_thread())
            threading.excepthook(threading.ExceptHookArgs(about))


class Watcher:
    """The thread, there while somebody watches, and whom it calls."""

    def __init__(self) -> None:
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._watches: List[Watch] = []
        # Set for the thread that is there to end.
        self._end = threading.Event()

    def add(self, callback: Callable[[Change], Any]) -> Watch:
        watch = Watch(callback)
        with self._lock:
            self._watches.append(watch)
            if len(self._watches) == 1:
                self._end = threading.Event()
                installed = Installed()
                installed.look()
                threading.Thread(target=self._run, args=(installed, self._end), name="aim_toolkit", daemon=True).start()
        return watch

    def remove(self, watch: Watch) -> None:
        with self._lock:
            if watch in self._watches:
                self._watches.remove(watch)
                if not self._watches:
                    self._end.set()

    def _run(self, installed: Installed, end: threading.Event) -> None:
        before, number = installed.distributions, generation()
        while not end.wait(PAUSE):
            try:
                has_moved = installed.look()
            except Exception:  # such as no descriptors left; the next look may do better
                continue
            if not has_moved:
                continue
            change = Change(number, generation(), differences(before, installed.distributions))
            before, number = installed.distributions, change.after
            if change.changes or change.before != change.after:
                with self._lock:
                    watches = list(self._watches)
                for watch in watches:
                    if watch in self._watches:
                        watch._call(change)


_watcher = Watcher()
