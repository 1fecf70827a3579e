"""The distributions in the folders of packages that this process imports from, and whether they are others now.

As `pip list` has it, by the names of the `.dist-info` and `.egg-info` folders: nothing is imported, and a file is
opened only for what is loaded. Whether to look at all is asked of the folders' times and of the record that aim-pip
keeps, which costs a few microseconds.

**Invariant:** an installer that is at work is waited for. What is half removed is not taken for removed.
"""

import os
import re
import sys
import time
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Tuple

from aim_toolkit._environment import OWN, Stamp, stamp_of

# Seconds for which a folder must have rested, unless the record says that pip has ended: what an installer does to one
# distribution takes less, or leaves one of its signs.
REST = 1.0
# Seconds after which a sign is no installer's at work, but what one has left that was ended.
SIGN_LASTS = 60.0

INFO = re.compile(r"(?P<name>[^-]+)(-(?P<version>[^-]+?))?(-py\d[^-]*)?\.(dist|egg)-info")
# A line of RECORD: path, hash, size (the packaging specification "Recording installed projects").
LINE = re.compile(rb'^"?([^",\n]+)"?,([^,\n]*),', re.MULTILINE)
TOP = re.compile(rb'^"?([^/",\n]+)', re.MULTILINE)


class Distribution(NamedTuple):
    """One installed distribution."""

    name: str
    """Its name as indexes compare it: `python-dateutil`."""
    version: str
    """Its version; empty where the folder's name has none."""
    folder: str
    """The folder of packages that it lies in."""
    info: str
    """The name of the folder there with what is said of it."""
    stamp: Stamp
    """What tells one installation of it from another."""


class Difference(NamedTuple):
    """A distribution that is installed in another version than before, or again, or not any more."""

    distribution: str
    """Its name: `requests`."""
    before: Optional[str]
    """The version that was installed; None where there was none."""
    after: Optional[str]
    """The version that is installed now; None where it was removed."""


class Installed:
    """What is installed, as of the last look."""

    def __init__(self) -> None:
        self.distributions: Dict[str, Distribution] = {}
        self.is_waiting = False
        """Whether the last look has seen an installer at work, and keeps what there was before."""
        self._record: Stamp = ()
        self._folders: Tuple[Tuple[str, Stamp], ...] = ()
        self._is_final = False

    def look(self) -> bool:
        """Look again where something moved; says whether it did, and is over."""
        record = OWN.stamp()
        folders = tuple([(folder, stamp_of(folder)) for folder in package_folders()])
        is_same = record == self._record and folders == self._folders
        self.is_waiting = False
        if is_same and self._is_final:
            return False
        is_first, now = self._record == (), time.time()
        has_rested = all([stamp is None or not 0 <= now - stamp[0] / 1e9 < REST for _, stamp in folders])
        if is_same and not has_rested:
            return False
        self.is_waiting = record == self._record and not has_rested
        if self.is_waiting:
            return False
        found, is_at_work = scan([folder for folder, _ in folders], now)
        self.is_waiting = is_at_work and not is_first
        if self.is_waiting:
            return False
        OWN.find_record()
        self.distributions = found
        self._record, self._folders = record, folders
        # A folder that changes again in this very tick would look the same: it is looked at once more.
        self._is_final = has_rested and not is_at_work
        return True


def differences(before: Dict[str, Distribution], after: Dict[str, Distribution]) -> Tuple[Difference, ...]:
    """What differs between two looks, by name."""
    found = []
    for name in sorted(set(before) | set(after)):
        old, new = before.get(name), after.get(name)
        if old != new:
            found.append(Difference(name, old and old.version, new and new.version))
    return tuple(found)


def package_folders() -> List[str]:
    """The folders of packages that this process imports from, the first found first."""
    return [path for path in sys.path if isinstance(path, str) and path.endswith("-packages")]


def scan(folders: List[str], now: float) -> Tuple[Dict[str, Distribution], bool]:
    """What is installed in `folders`, by name, and whether an installer is at work there."""
    found: Dict[str, Distribution] = {}
    is_at_work = False
    for folder in folders:
        here: Dict[str, Distribution] = {}
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for info in names:
            if info.startswith("~") and is_young(os.path.join(folder, info), now):
                is_at_work = True
            match = INFO.fullmatch(info)
            if match is None:
                continue
            stamp = stamp_of(listing(folder, info))
            if stamp is None:
                if info.endswith(".dist-info") and is_young(os.path.join(folder, info), now):
                    is_at_work = True
                stamp = stamp_of(os.path.join(folder, info))
            name = re.sub(r"[-_.]+", "-", match.group("name")).lower()
            new, old = Distribution(name, match.group("version") or "", folder, info, stamp), here.get(name)
            # Of two of one name in one folder, which only an accident leaves, the one that was written last.
            if old is None or (new.stamp or ()) > (old.stamp or ()):
                here[name] = new
        for name, distribution in here.items():
            found.setdefault(name, distribution)
    return found, is_at_work


def is_young(path: str, now: float) -> bool:
    try:
        return now - os.lstat(path).st_ctime < SIGN_LASTS
    except OSError:
        return True


def listing(folder: str, info: str) -> str:
    """The file that lists a distribution's files, or tells at least when it was installed."""
    if info.endswith(".dist-info"):
        return os.path.join(folder, info, "RECORD")
    path = os.path.join(folder, info)
    return os.path.join(path, "PKG-INFO") if os.path.isdir(path) else path


def files_of(distribution: Distribution) -> Dict[str, str]:
    """The files of a distribution below its folder, with their hashes: what it is, whenever and however installed."""
    listed = read(listing(distribution.folder, distribution.info))
    found = LINE.findall(listed) if distribution.info.endswith(".dist-info") else []
    about = os.fsencode(distribution.info) + b"/"
    return {
        os.fsdecode(path): digest.decode("ascii", "replace")
        for path, digest in found
        if digest and not path.startswith(about)
    }


def tops_of(distribution: Distribution) -> FrozenSet[str]:
    """The names directly in the folder of packages that a distribution has brought: `numpy`, `six.py`."""
    info = os.path.join(distribution.folder, distribution.info)
    if distribution.info.endswith(".dist-info"):
        found = set(TOP.findall(read(os.path.join(info, "RECORD"))))
    else:
        lines = read(os.path.join(info, "installed-files.txt")).split(b"\n")
        found = {line[3:].partition(b"/")[0] for line in lines if line.startswith(b"../")}
        for name in read(os.path.join(info, "top_level.txt")).split():
            found |= {name, name + b".py"}
    return frozenset(os.fsdecode(name) for name in found) - {"..", "__pycache__", distribution.info}


def editable_root(distribution: Distribution) -> Optional[str]:
    """The project that an editable installation leads to (PEP 610, PEP 660); None for any other."""
    text = read(os.path.join(distribution.folder, distribution.info, "direct_url.json"))
    if b"editable" not in text:
        return None
    import json
    from urllib.parse import unquote, urlsplit

    try:
        origin = json.loads(text.decode())
        if origin["dir_info"]["editable"] is not True:
            return None
        path = unquote(urlsplit(origin["url"]).path)
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return path.rstrip("/") + "/" if path.strip("/") else None


def read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return b""
