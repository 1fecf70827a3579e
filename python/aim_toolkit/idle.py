"""An IPython extension that ends its kernel when what it has loaded is out of date and nothing runs in it.

Only a provisioner loads it (`provisioner`), where somebody starts the kernel again that has ended. Which modules a
kernel has loaded and whether a cell runs, nobody outside of it knows: so it is the kernel that decides.
"""

import time
from typing import Any

from aim_toolkit import ipython
from aim_toolkit._loaded import stale_modules
from aim_toolkit._restart import end, kernel_of
from aim_toolkit._watch import Change, on_change
from aim_toolkit._words import say

# Seconds after the last cell for which a kernel is not idle yet: cells that are run together have pauses.
REST = 5.0


def load_ipython_extension(shell: Any) -> None:
    """What the provisioner's `--ext` calls."""
    ipython.load(shell)
    kernel = kernel_of(shell)
    if kernel is not None:
        Idle(shell, kernel)


class Idle:
    """Whether a kernel is idle, and what it does then. All but `changed` runs on the kernel's own loop."""

    def __init__(self, shell: Any, kernel: Any) -> None:
        self._kernel = kernel
        self._runs = False
        self._ran = time.monotonic()
        self._is_asked = False
        shell.events.register("pre_execute", self.before)
        shell.events.register("post_execute", self.after)
        on_change(self.changed)

    def before(self) -> None:
        self._runs = True

    def after(self) -> None:
        self._runs, self._ran = False, time.monotonic()
        self.ask()

    def changed(self, _change: Change) -> None:
        self._kernel.io_loop.add_callback(self.ask)

    @ipython.in_a_line
    def ask(self) -> None:
        """Have the question asked once the kernel has rested. One question at a time is enough."""
        if not self._is_asked and stale_modules():
            self._is_asked = True
            self._kernel.io_loop.call_later(REST, self.answer)

    @ipython.in_a_line
    def answer(self) -> None:
        self._is_asked = False
        if self._runs:
            return  # It is asked again when the cell has run.
        if time.monotonic() - self._ran < REST:
            self.ask()
        elif stale_modules():
            for stale in stale_modules():
                print(ipython.sentence(stale))
            print(say("idle"), flush=True)
            end(self._kernel)
