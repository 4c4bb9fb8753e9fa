"""The files that `code_deps` name: patterns matched, folders followed, each looked at once for one plan.

What Python and version control keep for themselves, virtual environments and the state
folder are never among them.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from assetctl.assets.errors import AssetctlError, Problem
from assetctl.assets.hints import did_you_mean
from assetctl.engine.watching.given import note_given
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.blobs.file_digests import FileDigests
from assetctl.storage.state.layout import Layout
from assetctl.storage.state.regular import read_regular

_LONGEST_TEXT = 1 << 16  # bytes
_CODE = (".sql", ".py", ".r", ".jl", ".stan", ".sh", ".graphql", ".j2", ".jinja", ".jinja2", ".tmpl", ".html")
_TEXTS = frozenset((*_CODE, ".md", ".txt", ".rst", ".prompt"))
_LEFT_OUT = frozenset(("__pycache__", ".git", ".hg", ".svn", ".jj"))


class CodeFiles:
    """Files of one project by pattern, and their digests. Without `digests` every file is hashed anew."""

    def __init__(self, root: Path, digests: FileDigests | None) -> None:
        self._root = root
        self._state = os.fspath(Layout.of(root).state)
        self._digests = digests
        self._matched: dict[str, tuple[str, ...]] = {}
        self._sets: dict[str, frozenset[str]] = {}
        self._known: dict[str, str | None] = {}

    def matching(self, pattern: str) -> tuple[str, ...]:
        """Return the files that a pattern stands for, relative to the project (absolute if it is), sorted."""
        if pattern not in self._matched:
            self._matched[pattern] = tuple(sorted(set(self._follow(pattern))))
        return self._matched[pattern]

    def digest(self, name: str) -> str | None:
        """Return the digest of a file's bytes, or None if it cannot be read."""
        if name not in self._known:
            self._known[name] = self._hash(self._root / name)
        return self._known[name]

    def text(self, name: str) -> str | None:
        """Return the text of a file of ordinary length that is code or prose; settings may hold secrets: None."""
        path = self._root / name
        if path.suffix.lower() not in _TEXTS:
            return None
        try:
            return path.read_text("utf-8") if path.stat().st_size <= _LONGEST_TEXT else None
        except (OSError, UnicodeDecodeError):
            return None

    def matching_set(self, pattern: str) -> frozenset[str]:
        """Return the same as `matching`, to look files up in."""
        if pattern not in self._sets:
            self._sets[pattern] = frozenset(self.matching(pattern))
        return self._sets[pattern]

    def is_current(self) -> bool:
        """Say whether every pattern matches what it matched, and every file has the digest that it had."""
        now = CodeFiles(self._root, self._digests)
        same = all(now.matching(pattern) == names for pattern, names in self._matched.items())
        return same and all(now.digest(name) == was for name, was in self._known.items())

    def digest_now(self, path: str) -> str | None:
        """Return the digest of a file as it is now, whatever it was when the plan was made."""
        return self._hash(Path(path))

    def problem_of(self, pattern: str, asset: str, where: str) -> Problem:
        """Say that a pattern of an asset matches nothing, and what may have been meant."""
        path = self._root / Path(pattern).expanduser()
        parent = next((folder for folder in path.parents if folder.is_dir()), self._root)
        wrong = path.relative_to(parent).parts[0] if path != parent else pattern
        meant = did_you_mean(wrong, sorted(os.listdir(parent))) if not glob.has_magic(wrong) else None  # noqa: PTH208
        return Problem(
            "unmatched-code-deps",
            f"asset `{asset}` names `{pattern}` in `code_deps`, which matches no file",
            (("declared in", where), ("looked in", str(parent))),
            meant or "correct it, or take it out: paths and patterns start at the project's folder",
        )

    def _hash(self, path: Path) -> str | None:
        note_given(path)  # one that is known by its status is not opened
        try:
            return digest_bytes(read_regular(path)) if self._digests is None else self._digests.of(path)
        except (OSError, AssetctlError):
            return None

    def _follow(self, pattern: str) -> Iterator[str]:
        """Yield the files that match, and those below each folder that does."""
        inside = os.fspath(self._root) + os.sep
        for match in map(os.fspath, self._matches(Path(pattern).expanduser())):
            name = match.removeprefix(inside) if not os.path.isabs(pattern) else match
            if match == inside[:-1] and not os.path.isabs(pattern):
                name = ""
            name = name.replace(os.sep, "/")
            if _LEFT_OUT.intersection(name.split("/")) or self._is_state(match):
                continue
            try:
                mode = os.stat(match).st_mode  # noqa: PTH116  a hundred thousand files, as text
            except OSError:
                continue
            if stat.S_ISDIR(mode):
                yield from self._below(match, f"{name}/" if name else "", frozenset())
            elif stat.S_ISREG(mode):
                yield name

    def _matches(self, pattern: Path) -> Iterable[Path]:
        literal = self._root / pattern
        if literal.exists() or not glob.has_magic(os.fspath(pattern)):
            return (literal,)
        try:
            if pattern.is_absolute():
                return list(Path(pattern.anchor).glob(os.fspath(pattern.relative_to(pattern.anchor))))
            return list(self._root.glob(os.fspath(pattern)))
        except (ValueError, NotImplementedError):  # no pattern at all
            return ()

    def _below(self, folder: str, prefix: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
        try:
            status = os.stat(folder)  # noqa: PTH116
            with os.scandir(folder) as scanned:
                entries = list(scanned)
        except OSError:  # it has gone since it was listed, or may not be read: it counts as what has no digest
            yield prefix
            return
        here = status.st_dev, status.st_ino
        if here in above:
            return
        if any(entry.name == "pyvenv.cfg" for entry in entries):
            return
        for entry in entries:
            if entry.is_dir():
                if entry.name not in _LEFT_OUT and not self._is_state(entry.path):
                    yield from self._below(entry.path, f"{prefix}{entry.name}/", above | {here})
            elif entry.is_file():
                yield prefix + entry.name

    def _is_state(self, path: str) -> bool:
        return path == self._state or path.startswith(self._state + os.sep)
