"""Say which installed distribution a file belongs to, by what installers recorded.

A file that no non-editable distribution lists belongs to none, wherever it lies: the
source of an editable install, a folder on PYTHONPATH, a stray file in site-packages. Nor
does one whose distribution has no version: another release could not be told from it.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from assetctl.storage.state.regular import read_regular

_METADATA = re.compile(r"^(Name|Version):[ \t]*(\S.*?)\s*$", re.MULTILINE)
_NO_VERSIONS = frozenset(("None", "UNKNOWN", "unknown"))  # what builds write that do not know theirs
Distribution = tuple[str, str]
"""Name and version, as the metadata gives them."""


@dataclass(frozen=True, slots=True)
class _Info:
    """One `.dist-info` or `.egg-info` folder: where it lies, and what it says it owns."""

    folder: str
    base: str
    name: str


class Installed:
    """Distributions per folder of `sys.path`; metadata is read when a file of that folder is asked about."""

    def __init__(self) -> None:
        self._folders: dict[str, list[_Info]] = {}
        self._records: dict[str, str | None] = {}
        self._owners: dict[str, Distribution | None] = {}

    def owner(self, file: str) -> Distribution | None:
        """Return the distribution that lists a file, or None."""
        base = _base_of(file)
        if base is None:
            return None
        relative = file[len(base) :].replace(os.sep, "/")
        package = relative.rpartition("/")[0] or relative
        key = f"{base}\0{package}"
        if key not in self._owners:
            self._owners[key] = self._search(base, relative)
        return self._owners[key]

    def owner_of_package(self, top: str) -> Distribution | None:
        """Return the distribution that provides a top-level module whose file is not known."""
        for base in dict.fromkeys(_with_separator(p) for p in sys.path):
            for name in (f"{top}/__init__.py", f"{top}.py"):
                if Path(base + name).is_file():
                    return self.owner(base + name)
        return None

    def _search(self, base: str, relative: str) -> Distribution | None:
        top = relative.partition("/")[0]
        likely = _normalized(top.partition(".")[0])
        infos = sorted(self._infos(base), key=lambda info: _normalized(info.name) != likely)
        for info in infos:
            if self._lists(info, relative) and not _is_editable(info):
                return _metadata(info)
        return None

    def _infos(self, base: str) -> list[_Info]:
        if base not in self._folders:
            try:
                entries = sorted(entry.name for entry in os.scandir(base))
            except OSError:
                entries = []
            self._folders[base] = [
                _Info(os.path.join(base, entry), base, entry.partition("-")[0].removesuffix(".egg"))
                for entry in entries
                if entry.endswith((".dist-info", ".egg-info"))
            ]
        return self._folders[base]

    def _lists(self, info: _Info, relative: str) -> bool:
        """Say whether a distribution lists a file; one without a list owns its top-level names."""
        record = self._record(info)
        if record is not None:
            return f"\n{relative}," in record or f'\n"{relative}",' in record
        if info.folder.endswith(".egg-info") and "-packages" not in info.base:
            return False  # the egg-info beside a source tree is a development install
        names = (_read(os.path.join(info.folder, "top_level.txt")) or info.name).split()
        return relative.partition("/")[0].partition(".")[0] in names

    def _record(self, info: _Info) -> str | None:
        if info.folder not in self._records:
            text = _read(os.path.join(info.folder, "RECORD"))
            self._records[info.folder] = None if text is None else "\n" + text.replace("\r\n", "\n")
        return self._records[info.folder]


def _base_of(file: str) -> str | None:
    """Return the longest folder of `sys.path` that a file lies in, with a separator at its end."""
    best = ""
    for entry in sys.path:
        base = _with_separator(entry)
        if file.startswith(base) and len(base) > len(best):
            best = base
    return best or None


def _with_separator(entry: str) -> str:
    return os.path.join(os.path.abspath(entry or os.curdir), "")


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_editable(info: _Info) -> bool:
    text = _read(os.path.join(info.folder, "direct_url.json"))
    if text is None:
        return False
    try:
        return bool(json.loads(text).get("dir_info", {}).get("editable"))
    except (ValueError, AttributeError):
        return False


def _metadata(info: _Info) -> Distribution | None:
    """Return name and version; what the metadata does not say, the folder may say in its own name."""
    texts = (_read(os.path.join(info.folder, name)) for name in ("METADATA", "PKG-INFO"))
    text = next((text for text in texts if text is not None), "")
    headers = dict(reversed(_METADATA.findall(text.partition("\n\n")[0])))
    name, _, version = os.path.basename(info.folder).rsplit(".", 1)[0].partition("-")
    known = [said for said in (headers.get("Version"), version) if said and said not in _NO_VERSIONS]
    return (headers.get("Name", name), known[0]) if known else None


def _read(path: str) -> str | None:
    try:
        return read_regular(Path(path)).decode(errors="replace")
    except OSError:
        return None
