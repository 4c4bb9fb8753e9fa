"""Which files a person's SQL may read: those it names, below folders that were given.

A connection is told these files one by one, never a folder, so that there is no place where
it could make another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assetctl.assets.errors import Problem, SelectionError
from assetctl.storage.lineage_store.only_reading import Query

Glob = Callable[[str, Sequence[Path]], Sequence[str]]
"""(pattern, folders) -> the files below these folders that fit it."""

_MAGIC = re.compile(r"[*?\[]")
_MAY_BE_A_FILE = re.compile(r"[./*?]")
_REFUSED = re.compile(r'Cannot access file "([^"*?]+)"')
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Readable:
    """The folders whose files may be read, and those in them whose files may not."""

    folders: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()

    def files_of(self, query: Query, glob: Glob, tables: Sequence[str] = ()) -> tuple[str, ...]:
        """Return what a connection must be allowed to read for a query; `tables` are names that are no files.

        Raises:
            SelectionError: the query names a file outside of the folders.
        """
        files = set(query.files)
        files.update(name for name in query.tables.difference(tables) if _MAY_BE_A_FILE.search(name))
        return tuple(path for name in sorted(files) for path in self._paths(name, glob, is_sure=name in query.files))

    def _paths(self, name: str, glob: Glob, *, is_sure: bool) -> Iterator[str]:
        if _ELSEWHERE.match(name) or "\0" in name:
            if is_sure or "://" in name:
                raise _outside(name, "nothing is fetched from anywhere: download the file, and name that")
            return
        magic = _MAGIC.search(name)
        if magic is None:
            path = Path(name)
            if not path.exists():  # a name in quotes that is no file, or a file that is not there: DuckDB says which
                return
            self._require(path, name)
            yield name
            return
        start = Path(name[: magic.start()] + "_").parent
        if not start.exists():
            return
        self._require(start, name)
        if ".." in Path(name[magic.start() :]).parts:
            raise _outside(name, "`..` comes before the first `*`")
        yield name
        yield from (path for path in glob(name, self.folders) if self._may_read(Path(path)))

    def _require(self, path: Path, name: str) -> None:
        if not self._may_read(path):
            raise _outside(name, "`--read FOLDER` lets a query read the files of another folder")

    def _may_read(self, path: Path) -> bool:
        real = path.resolve()
        is_below = any(real.is_relative_to(folder.resolve()) for folder in self.folders)
        return is_below and not any(real.is_relative_to(folder.resolve()) for folder in self.hidden)


def refused(sql: str, said: str) -> SelectionError:
    """Return what to say where DuckDB itself keeps a query from a file, which may not be there at all."""
    named = _REFUSED.search(said)
    if named is not None and not Path(named[1]).exists():
        return SelectionError(
            Problem("bad-query", f"this query does not work: there is no file `{named[1]}`", (("query", sql),))
        )
    hint = "a query reads files of the project that it names; `--read FOLDER` adds those of another folder"
    return SelectionError(Problem("file-outside", said.partition("\n")[0], (("query", sql),), hint))


def _outside(name: str, hint: str) -> SelectionError:
    return SelectionError(
        Problem("file-outside", f"`{name}` is not among the files that a query may read", (("path", name),), hint)
    )
