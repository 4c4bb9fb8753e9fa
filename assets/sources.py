"""Source assets: files, folders and globs that are observed and never computed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from assetctl.assets.definition import SourceDef, SourceShape


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
    ) -> SourceDef:
        """Declare a file. Its consumer gets a `Path`, or the parsed table if it asks for one."""
        return _declare(path, SourceShape.FILE, key, group, tags, owners, description)

    def directory(
        self,
        path: str | os.PathLike[str],
        *,
        key: str | None = None,
        group: str | None = None,
        tags: Mapping[str, str] | None = None,
        owners: Sequence[str] = (),
        description: str | None = None,
    ) -> SourceDef:
        """Declare a folder and everything below it. Its consumer gets the folder's `Path`."""
        return _declare(path, SourceShape.DIRECTORY, key, group, tags, owners, description)

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
        return _declare(pattern, SourceShape.GLOB, key, group, tags, owners, description)


def _declare(
    path: str | os.PathLike[str],
    shape: SourceShape,
    key: str | None,
    group: str | None,
    tags: Mapping[str, str] | None,
    owners: Sequence[str],
    description: str | None,
) -> SourceDef:
    caller = sys._getframe(2)
    where = f"{caller.f_code.co_filename}:{caller.f_lineno}"
    return SourceDef(os.fspath(path), shape, key, group, dict(tags or {}), tuple(owners), description, where)


source = _Sources()
