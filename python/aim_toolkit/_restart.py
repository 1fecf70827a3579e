"""`%aim restart`: a kernel ends in a way after which its manager starts it again.

A kernel cannot start itself again: its sockets, its connection file and the process that waits for it belong to who
started it. Jupyter's servers look every few seconds whether a kernel lives, and start one that has ended again
(jupyter_client's `KernelRestarter`), at the same addresses.
"""

import inspect
from typing import Any


def kernel_of(shell: Any) -> Any:
    """The kernel that a shell is in; None in a terminal."""
    kernel = getattr(shell, "kernel", None)
    return kernel if hasattr(kernel, "do_shutdown") else None


def end(kernel: Any) -> None:
    """Have a kernel end once the reply to what it runs is sent. To be called on its own loop's thread."""
    done = kernel.do_shutdown(True)
    if inspect.isawaitable(done):
        import asyncio

        asyncio.ensure_future(done)
