"""Source assets: files, folders and globs that are observed and never computed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from assetctl.assets.definition import SourceDef, SourceShape
from assetctl.assets.read_options import check_options


class _Sources:
    """The `source` namespace: `source.file(...)`, `source.directory(...)`, `source.glob(...)`."""

    def file(
        self,
        path: str | os.PathLike[str],
        *,
        key: str | None = None,
        group: str | None = None,
        tags: Mapping[str, str] | None = None,
        owners: Sequence[str] = (),
        description: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> SourceDef:
        """Declare a file. Its consumer gets a `Path`, or the parsed table if it asks for one.

        `options` are those of the reader of the library that consumers ask for: with
        `options={"sep": ";"}`, `pd.DataFrame` is what `pandas.read_csv(path, sep=";")` gives.

        Raises:
            DeclarationError: an option is neither a plain value nor a type of columns.
        """
        return _declare(path, SourceShape.FILE, key, group, tags, owners, description, options)

    def directory(
        self,
        path: str | os.PathLike[str],
        *,
        key: str | None = None,
        group: str | None = None,
        tags: Mapping[str, str] | None = None,
        owners: Sequence[str] = (),
        description: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> SourceDef:
        """Declare a folder and everything below it. Its consumer gets the folder's `Path`.

        One that is called `*.parquet` is a table in parts to a consumer that asks for a table.

        Raises:
            DeclarationError: as `file`.
        """
        return _declare(path, SourceShape.DIRECTORY, key, group, tags, owners, description, options)

    def glob(
        self,
        pattern: str,
        *,
        key: str | None = None,
        group: str | None = None,
        tags: Mapping[str, str] | None = None,
        owners: Sequence[str] = (),
        description: str | None = None,
    ) -> SourceDef:
        """Declare the files that match a pattern (`**` allowed). Its consumer gets a sorted list of `Path`."""
        return _declare(pattern, SourceShape.GLOB, key, group, tags, owners, description, None)


def _declare(
    path: str | os.PathLike[str],
    shape: SourceShape,
    key: str | None,
    group: str | None,
    tags: Mapping[str, str] | None,
    owners: Sequence[str],
    description: str | None,
    options: Mapping[str, Any] | None,
) -> SourceDef:
    caller = sys._getframe(2)
    where = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    checked = check_options(options, where) if options else {}
    return SourceDef(os.fspath(path), shape, key, group, dict(tags or {}), tuple(owners), description, where, checked)


source = _Sources()
