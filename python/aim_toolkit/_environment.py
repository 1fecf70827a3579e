"""The environment of this process, whose it is, and the generation that is recorded of it.

Who has the record is asked as the toolkit's commands ask (`src/project/whose.rs`): environment and project must both
say that they belong together, so that no folder that came by git makes another one's record count here.
"""

import os
import re
import sys
from typing import Iterator, List, Optional, Tuple

META = "env_meta.json"
VENVS = (".venv", "venv", "env", ".env")
DIRENV, DIRENV_BEGINS = ".direnv", "python-"
LONGEST_NOTE = 64 << 10
# Above this nobody's number is believed (decision 0011).
LARGEST = 1 << 52

Stamp = Optional[Tuple[int, ...]]


def generation() -> Optional[int]:
    """The generation of this process's environment: it grows by one with each change, whichever tool made it.

    None where the environment has no record: `aim-venv-sync init` begins one. In a view of an earlier generation
    (`aim-venv-sync run --at`) it is that one.
    """
    return OWN.generation()


class Environment:
    """An environment, known by its folder."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._known: Tuple[Stamp, Optional[int]] = (None, None)
        self.find_record()

    def find_record(self) -> None:
        """Ask anew where the record lies; it may have been begun, or another project's have become this one's."""
        self._meta = os.path.join(keeper_of(self.root), META)
        found = re.match(r".*/\.aim/views/g(\d+)-[^/]*$", os.path.realpath(self.root))
        self._viewed = int(found.group(1)) if found else None

    def stamp(self) -> Stamp:
        """What is another whenever the record was written: the one thing to look at while nothing changes."""
        return stamp_of(self._meta)

    def generation(self) -> Optional[int]:
        """As `generation` of the module. Reads the record only when it was written since the last time."""
        if self._viewed is not None:
            return self._viewed
        if self.stamp() is None:
            self.find_record()
        stamp, (known, number) = self.stamp(), self._known
        if stamp is None or stamp != known:
            number = read_generation(self._meta)
            self._known = stamp, number
        return number


def stamp_of(path: str) -> Stamp:
    """What tells one state of a file or a folder from another; None where it is not."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def read_generation(path: str) -> Optional[int]:
    """The generation in an `env_meta.json`; None where there is none to be believed, as where AIM-Forge wrote it."""
    import json

    try:
        with open(path, "rb") as stream:
            members = json.loads(stream.read().decode())
    except (OSError, ValueError, RecursionError):
        return None
    number = members.get("generation") if isinstance(members, dict) else None
    return number if type(number) is int and 0 <= number <= LARGEST else None


def keeper_of(root: str) -> str:
    """The folder that keeps the record of the environment in `root`: its project's, or its own."""
    for folder in claims(root):
        named = environment_of(folder)
        if named is not None and is_same(named, root):
            return os.path.realpath(folder)
    return root


def claims(root: str) -> Iterator[str]:
    """The projects that an environment names, best first. None of them need agree."""
    yield from noted(root)
    yield from dot_project(root)
    for place in (os.path.realpath(root), os.path.abspath(root)):
        folder, name = os.path.split(place)
        if name in VENVS:
            yield folder
        elif name.startswith(DIRENV_BEGINS) and os.path.basename(folder) == DIRENV:
            yield os.path.dirname(folder)


def noted(root: str) -> List[str]:
    """The projects in an environment's note: an absolute path a line, before which the way from here counts."""
    found = []
    for line in read_note(os.path.join(root, ".aim", "project")).split("\n"):
        absolute, _, way = line.partition("\t")
        if os.path.isabs(absolute):
            found += [os.path.join(root, way)] if way else []
            found.append(absolute)
    return found


def dot_project(root: str) -> List[str]:
    """The project in the file of pipenv and virtualenvwrapper."""
    path = read_note(os.path.join(root, ".project")).strip()
    return [path] if path else []


def environment_of(folder: str) -> Optional[str]:
    """The environment of record of the project in `folder`: itself where it is one; else, of those that it names, the
    first whose note names it, or the first."""
    if is_environment(folder):
        return folder
    named = list(named_by(folder))
    for root in named:
        if any(is_same(project, folder) for project in noted(root)):
            return root
    return named[0] if named else None


def named_by(folder: str) -> Iterator[str]:
    """The environments that a project names, best first."""
    elsewhere = read_note(os.path.join(folder, ".pip-logs", "environment")).rstrip()
    if elsewhere:
        root = os.path.join(folder, elsewhere)
        if is_environment(root) and any(is_same(claim, folder) for claim in noted(root) + dot_project(root)):
            yield root
    direnv = os.path.join(folder, DIRENV)
    try:
        names = sorted(name for name in os.listdir(direnv) if name.startswith(DIRENV_BEGINS))
    except OSError:
        names = []
    for root in [os.path.join(folder, name) for name in VENVS] + [os.path.join(direnv, name) for name in names]:
        if is_environment(root):
            yield root


def is_environment(folder: str) -> bool:
    """Whether a folder is an environment: of PEP 405, or conda's."""
    return any(os.path.isfile(os.path.join(folder, *way)) for way in (("pyvenv.cfg",), ("conda-meta", "history")))


def is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return one == other


def read_note(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read(LONGEST_NOTE)
    except OSError:
        return ""


OWN = Environment(sys.prefix)
