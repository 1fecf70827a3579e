"""`%aim reload`: what is out of date is loaded again, into the modules that are there.

`importlib.reload`, one after the other, has no right order: `package.part` takes names from `package` while `package`
takes others from it. So all modules of what changed are forgotten together and imported anew, where Python itself finds
the order; a finder of ours gives each import the module that there was, as `importlib.reload` does. So who holds a
module sees the new one, and what the new version does not define any more stays, as after `importlib.reload`.

**Invariant:** when one of them cannot be loaded, all are what they were.
"""

import importlib
import os
import re
import sys
import types
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder, SourceFileLoader, SourcelessFileLoader
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Set

from aim_toolkit._installed import Distribution, package_folders, read, scan
from aim_toolkit._loaded import Stale, members_of, spec_of
from aim_toolkit._words import say

# What a session runs on, with all that these require: loaded again, it would be two halves.
OWN = ("aim-toolkit", "ipython", "ipykernel")
# What the import system notes in a module, which is to be noted anew.
NOTED = ("__loader__", "__path__", "__file__", "__cached__", "__package__")


class Failed(Exception):
    """A module could not be loaded again, and all are what they were."""

    def __init__(self, module: str, error: BaseException) -> None:
        super().__init__(module, error)
        self.module, self.error = module, error


class Refusal(NamedTuple):
    """A distribution that is not loaded again."""

    stale: Stale
    why: str
    """A sentence for people."""


def compiled_module(stale: Stale) -> Optional[str]:
    """A module of it that is compiled, which no process loads twice."""
    for name in stale.modules:
        origin = getattr(spec_of(sys.modules.get(name)), "origin", None)
        if isinstance(origin, str) and origin.endswith(tuple(EXTENSION_SUFFIXES)):
            return name
    return None


def refusals(found: List[Stale]) -> List[Refusal]:
    """Those of what is out of date that a process cannot load again, and why."""
    refused = []
    own = required_by(OWN) if found else set()
    for stale in found:
        compiled = compiled_module(stale)
        if stale.installed is None:
            refused.append(Refusal(stale, say("is_gone", name=stale.distribution)))
        elif compiled is not None:
            refused.append(Refusal(stale, say("has_compiled", name=stale.distribution, module=compiled)))
        elif stale.distribution in own:
            refused.append(Refusal(stale, say("is_own", name=stale.distribution)))
    return refused


def load_again(found: Iterable[Stale], namespace: Dict[str, Any]) -> None:
    """Load the modules of `found` again, and let `namespace` have the new ones of the functions and classes it took.

    Raises `Failed` where one cannot be loaded.
    """
    names = [name for stale in found for name in stale.modules if name in sys.modules]
    old = {name: sys.modules[name] for name in names}
    held = {name: dict(members_of(module)) for name, module in old.items()}
    before = set(sys.modules)
    importlib.invalidate_caches()
    for name in names:
        del sys.modules[name]
    finder = Again(old)
    sys.meta_path.insert(0, finder)
    try:
        for name in names:
            load(name)
    except BaseException:
        tops = {name.partition(".")[0] for name in names}
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in tops:
                del sys.modules[name]
        for name, module in old.items():
            members = members_of(module)
            members.clear()
            members.update(held[name])
        sys.modules.update(old)
        raise
    finally:
        sys.meta_path.remove(finder)
    renew(namespace, old, held)


def load(name: str) -> None:
    """Import a module, unless it came with another one, or there is none of its name any more."""
    if name in sys.modules:
        return
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(missing + "."):
            raise Failed(name, error) from error
    except Exception as error:
        raise Failed(name, error) from error


class Again:
    """A finder that has modules loaded into the objects that there were."""

    def __init__(self, modules: Dict[str, types.ModuleType]) -> None:
        self._modules = modules

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        module = self._modules.get(name)
        spec = PathFinder.find_spec(name, path) if module is not None else None
        if spec is not None and isinstance(spec.loader, (SourceFileLoader, SourcelessFileLoader)):
            for noted in NOTED:
                members_of(module).pop(noted, None)
            setattr(spec.loader, "create_module", lambda _spec: module)
        return spec

    def invalidate_caches(self) -> None:
        """Has none."""


def renew(namespace: Dict[str, Any], old: Dict[str, types.ModuleType], held: Dict[str, Dict[str, Any]]) -> None:
    """Replace the functions and classes in `namespace` that were taken from modules before (`from x import f`)."""
    renewed = {}
    for name, members in held.items():
        for key, value in members.items():
            if isinstance(value, (type, types.FunctionType)) and value.__module__ in old:
                renewed[id(value)] = members_of(old[name]).get(key, value)
    for key, value in list(namespace.items()):
        if id(value) in renewed:
            namespace[key] = renewed[id(value)]


def required_by(names: Iterable[str]) -> Set[str]:
    """These distributions and all that they require, as far as they are installed."""
    installed, _ = scan(package_folders(), 0)
    found: Set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += requirements(installed[name]) if name in installed else []
    return found


def requirements(distribution: Distribution) -> List[str]:
    """The names that a distribution requires, but for what only an extra wants."""
    text = read(os.path.join(distribution.folder, distribution.info, "METADATA")).decode("utf-8", "replace")
    found = re.findall(r"^Requires-Dist: *([A-Za-z0-9._-]+)(.*)$", text.partition("\n\n")[0], re.MULTILINE)
    return [re.sub(r"[-_.]+", "-", name).lower() for name, rest in found if "extra ==" not in rest]
