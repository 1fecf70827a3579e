"""The IPython extension: says before a cell what is out of date, once a change, and `%aim status|reload|restart`.

Before a cell it looks (microseconds while nothing changes), after a cell it remembers what the cell has imported.

**Invariant:** whatever goes wrong here, the cell runs, and one line says what it was.
"""

import functools
import sys
from typing import Any, Callable, Dict, List, Set

from aim_toolkit._environment import generation
from aim_toolkit._loaded import Stale, stale_modules
from aim_toolkit._reload import Failed, compiled_module, load_again, refusals
from aim_toolkit._restart import end, kernel_of
from aim_toolkit._words import say

# Lines before a cell; `%aim status` has them all.
MOST = 5

_extensions: Dict[int, "Extension"] = {}


def load(shell: Any) -> None:
    """Begin to look before each cell of a shell, and give it `%aim`. Once is enough."""
    if id(shell) not in _extensions:
        _extensions[id(shell)] = Extension(shell)


def unload(shell: Any) -> None:
    """Take that back."""
    extension = _extensions.pop(id(shell), None)
    if extension is not None:
        extension.unload()


def in_a_line(method: Callable[..., None]) -> Callable[..., None]:
    """Let a failure be one line instead of a traceback that stands before a person's own output."""

    @functools.wraps(method)
    def guarded(*about: Any) -> None:
        try:
            method(*about)
        except Exception as error:
            tell(say("failed", error="%s: %s" % (type(error).__name__, error)))

    return guarded


class Extension:
    """What one shell has of us."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._told: Set[Stale] = set()
        stale_modules()
        shell.events.register("pre_run_cell", self.before_cell)
        shell.events.register("post_run_cell", self.after_cell)
        shell.register_magic_function(self.aim, "line", "aim")

    def unload(self) -> None:
        self._shell.events.unregister("pre_run_cell", self.before_cell)
        self._shell.events.unregister("post_run_cell", self.after_cell)
        self._shell.magics_manager.magics["line"].pop("aim", None)

    @in_a_line
    def before_cell(self, *_about: object) -> None:
        """Say what is out of date and was not told yet."""
        found = stale_modules()
        if not found and not self._told:
            return
        news = [stale for stale in found if told_as(stale) not in self._told]
        self._told = {told_as(stale) for stale in found}
        for stale in news[:MOST]:
            tell(sentence(stale))
        if len(news) > MOST:
            tell(say("more", count=len(news) - MOST))

    @in_a_line
    def after_cell(self, *_about: object) -> None:
        """Remember what was installed when the cell imported what it did."""
        stale_modules()

    @in_a_line
    def aim(self, line: str) -> None:
        """`%aim status`: what is loaded and not what is installed any more.

        `%aim reload` loads it again where that can be done, `%aim restart` restarts the kernel.
        """
        commands = {"": self.status, "status": self.status, "reload": self.reload, "restart": self.restart}
        command = commands.get(line.strip())
        if command is None:
            tell(say("usage"))
        else:
            command()

    def status(self) -> None:
        number = generation()
        key = "no_record" if number is None else "generation"
        print(say(key, number=number, folder=sys.prefix))
        found = stale_modules()
        for stale in found:
            print(sentence(stale))
        if not found:
            print(say("current"))

    def reload(self) -> None:
        found = stale_modules()
        refused = refusals(found)
        left = [refusal.stale for refusal in refused]
        wanted = [stale for stale in found if stale not in left]
        try:
            load_again(wanted, self._shell.user_ns)
        except Failed as failure:
            error = "%s: %s" % (type(failure.error).__name__, failure.error)
            tell(say("not_reloaded", name=failure.module, error=error))
        else:
            self._tell_reloaded(wanted)
        for refusal in refused:
            tell(refusal.why)
        if not found:
            print(say("current"))

    def _tell_reloaded(self, loaded: List[Stale]) -> None:
        for stale in loaded:
            about = {"name": stale.distribution, "loaded": stale.loaded, "installed": stale.installed}
            print(say("reloaded", count=len(stale.modules), **about))

    def restart(self) -> None:
        kernel = kernel_of(self._shell)
        if kernel is None:
            tell(say("no_kernel"))
        else:
            print(say("restarts"))
            end(kernel)


def told_as(stale: Stale) -> Stale:
    """What makes one out of date another to tell: not that a further module of it was loaded."""
    return stale._replace(modules=())


def sentence(stale: Stale) -> str:
    """What a person reads of one distribution."""
    about = {"name": stale.distribution, "loaded": stale.loaded, "installed": stale.installed}
    if stale.installed is None:
        return say("removed", **about)
    key = "again" if stale.installed == stale.loaded else "changed"
    return say(key + "_compiled" if compiled_module(stale) else key, **about)


def tell(line: str) -> None:
    print(line, file=sys.stderr)
