"""What was installed when each module was loaded, and which modules are not what is installed any more.

A module is remembered at the first look after it was loaded, with the hash that its distribution's RECORD has for its
file. Later the hashes are compared, not times: an installation of the same files anew makes nothing out of date.

Who looks only now and then may come too late: the module was loaded, and then another version installed. Where the
distribution was changed since the look before (at the first look: since this process began) and `__version__` of the
module is not what is installed now, it is taken for what was loaded.

Modules of the standard library and of the person's own, an editable project's among them, change without an installer:
they are never out of date here.
"""

import os
import re
import sys
import threading
import time
from typing import Any, Dict, FrozenSet, Iterable, List, NamedTuple, Optional, Set, Tuple

from aim_toolkit._environment import Stamp, stamp_of
from aim_toolkit._installed import Distribution, Installed, editable_root, files_of, tops_of


class Stale(NamedTuple):
    """A distribution of which modules are loaded that are not what is installed."""

    distribution: str
    """Its name: `requests`."""
    loaded: str
    """The version that is loaded."""
    installed: Optional[str]
    """The version that is installed; the same one where it was installed again with other files, None where it was
    removed."""
    modules: Tuple[str, ...]
    """The modules that are loaded of it, in the order in which they were loaded."""


def stale_modules() -> List[Stale]:
    """The distributions of which modules are loaded that are not what is installed any more, by name.

    What is loaded is remembered from the first call on (`import aim_toolkit` makes it), so call it early, and again
    whenever it matters: where nothing changed, it costs some microseconds. While an installer is at work the answer is
    the one from before.
    """
    return _memory.stale()


class Module(NamedTuple):
    """A loaded module, as it was remembered."""

    spec: Any
    """What the import system made for it; another object once it is loaded again."""
    distribution: str
    version: str
    folder: str
    stamp: Stamp
    path: Optional[str]
    """Its file in the folder of packages; None for an editable project's."""
    sign: object
    """The hash of its file, or all of an editable project's; None where the file was gone before it was seen."""


class Loaded:
    """The memory of one process. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._installed = Installed()
        self._modules: Dict[str, Module] = {}
        self._others: Set[str] = set()
        self._count = 0
        self._stale: List[Stale] = []
        self._tops: Dict[Distribution, Tuple[FrozenSet[str], Optional[str]]] = {}
        self._is_first = True
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)

    def stale(self) -> List[Stale]:
        """As `stale_modules`."""
        with self._lock:
            before = self._installed.distributions
            has_moved = self._installed.look()
            if has_moved:
                self._forget_loaded_again(self._modules)
            elif self._stale:
                stale = [name for one in self._stale for name in one.modules]
                has_moved = self._forget_loaded_again(stale)
            if (has_moved or len(sys.modules) != self._count) and not self._installed.is_waiting:
                self._note(before)
            if has_moved:
                self._stale = self._compare()
            return list(self._stale)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()

    def _forget_loaded_again(self, names: Iterable[str]) -> bool:
        """Forget the modules that are gone, or were loaded again since; says whether there were any."""
        gone = [name for name in names if spec_of(sys.modules.get(name)) is not self._modules[name].spec]
        for name in gone:
            del self._modules[name]
            self._count = 0  # It is new to us, however many there are.
        return bool(gone)

    def _note(self, before: Dict[str, Distribution]) -> None:
        """Remember the modules that were loaded since the last look, in which there was what `before` has."""
        now = self._installed.distributions
        names = [name for name in list(sys.modules) if name not in self._modules and name not in self._others]
        self._count = len(sys.modules)
        owners: Optional[Owners] = None
        signs: Dict[Distribution, Dict[str, str]] = {}
        for name in names:
            spec = spec_of(sys.modules.get(name))
            file = getattr(spec, "origin", None) if getattr(spec, "has_location", False) else None
            if not isinstance(file, str):
                self._others.add(name)
                continue
            owners = owners or Owners(now, before, self._tops)
            distribution, path = owners.of(file)
            if distribution is None:
                self._others.add(name)
                continue
            if distribution not in signs:
                signs[distribution] = files_of(distribution)
            version = self._version(name, distribution, before)
            is_there = version == distribution.version and distribution == now.get(distribution.name)
            sign = sign_of(distribution, signs[distribution], path) if is_there else None
            self._modules[name] = Module(
                spec, distribution.name, version, distribution.folder, distribution.stamp, path, sign
            )
        self._is_first = False

    def _version(self, name: str, now: Distribution, before: Dict[str, Distribution]) -> str:
        """The version that a module was loaded from which is new to us."""
        guess = members_of(sys.modules.get(name.partition(".")[0])).get("__version__")
        if not isinstance(guess, str) or without_zeros(guess) == without_zeros(now.version):
            return now.version
        if self._is_first:
            return guess if now.stamp is not None and now.stamp[0] / 1e9 > process_start() else now.version
        old = before.get(now.name)
        return guess if old is not None and old != now and guess == old.version else now.version

    def _compare(self) -> List[Stale]:
        """What is out of date, by the hashes of what is installed now."""
        now = self._installed.distributions
        signs: Dict[str, Dict[str, str]] = {}
        changed: Set[Tuple[str, str]] = set()
        for module in self._modules.values():
            there = now.get(module.distribution)
            if there is not None and there.folder == module.folder and module.sign is not None:
                if there.stamp == module.stamp:
                    continue
                if module.distribution not in signs:
                    signs[module.distribution] = files_of(there)
                if sign_of(there, signs[module.distribution], module.path) == module.sign:
                    continue
            changed.add((module.distribution, module.version))
        names: Dict[Tuple[str, str], List[str]] = {}
        for name in [name for name in list(sys.modules) if name in self._modules]:
            module = self._modules[name]
            if (module.distribution, module.version) in changed:
                names.setdefault((module.distribution, module.version), []).append(name)
        found = []
        for (distribution, version), modules in sorted(names.items()):
            there = now.get(distribution)
            found.append(Stale(distribution, version, there and there.version, tuple(modules)))
        return found


class Owners:
    """Whose files are whose, as of one look."""

    def __init__(
        self,
        now: Dict[str, Distribution],
        before: Dict[str, Distribution],
        known: Dict[Distribution, Tuple[FrozenSet[str], Optional[str]]],
    ) -> None:
        self._tops: Dict[str, Dict[str, List[Distribution]]] = {}
        self._roots: List[Tuple[str, Distribution]] = []
        current = list(now.values())
        gone = [distribution for distribution in before.values() if distribution not in current]
        for distribution in [one for one in known if one not in current and one not in gone]:
            del known[distribution]
        for distribution in current + gone:
            if distribution not in known:
                known[distribution] = tops_of(distribution), editable_root(distribution)
            tops, root = known[distribution]
            for top in tops:
                self._tops.setdefault(distribution.folder + "/", {}).setdefault(top, []).append(distribution)
            if root is not None:
                self._roots.append((root, distribution))

    def of(self, file: str) -> Tuple[Optional[Distribution], Optional[str]]:
        """The distribution that `file` is of, and its path below the folder of packages, none for an editable's."""
        for folder, tops in self._tops.items():
            if file.startswith(folder):
                path = file[len(folder) :]
                owners = tops.get(path.partition("/")[0], ())
                if len(owners) > 1:
                    # A namespace that several share, or the one that was there before and the one that is there now.
                    owners = [owner for owner in owners if path in files_of(owner)] or owners
                if owners:
                    return owners[0], path
        for root, distribution in self._roots:
            if file.startswith(root):
                return distribution, None
        return None, None


def sign_of(distribution: Distribution, files: Dict[str, str], path: Optional[str]) -> object:
    """What tells one state of a module's file from another: the hash that its distribution lists, else its times."""
    if path is None:
        return frozenset(files.items())
    return files.get(path) or stamp_of(os.path.join(distribution.folder, path))


def without_zeros(version: str) -> str:
    """`2` for `2.0.0`, which is the same version."""
    return re.sub(r"(\.0)+$", "", version)


def members_of(module: Any) -> Dict[str, Any]:
    """What a module holds, without waking one that loads itself when it is looked at."""
    try:
        members = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return {}
    return members if isinstance(members, dict) else {}


def spec_of(module: Any) -> Any:
    return members_of(module).get("__spec__")


def process_start() -> float:
    """When this process began; infinitely late where the system does not tell (only Linux does, by proc(5))."""
    try:
        with open("/proc/self/stat", "rb") as stream:
            ticks = int(stream.read().rpartition(b")")[2].split()[19])
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return float("inf")


_memory = Loaded()
_memory.stale()
