"""Observe declared sources: the current version of their files, and of the table a file holds.

A source's data version is that of its bytes; a parsed table has one of its own,
remembered by the bytes and the reader.
"""

from __future__ import annotations

import glob
import json
import os
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, assert_never

from assetctl.assets.definition import SourceDef, SourceShape
from assetctl.assets.errors import DeclarationError, Problem
from assetctl.assets.hints import similar, suggestion
from assetctl.lineage.facts.ports import Form
from assetctl.lineage.facts.records import ColumnDigest, DataVersion, Digest, ValueIdentity
from assetctl.lineage.identity.encode import Framed, digest_bytes
from assetctl.storage.blobs.file_digests import FileDigests, digest_directory, digest_file, is_regular, size_of
from assetctl.storage.sources.parsing import open_table, parse_table, reader_name
from assetctl.storage.state.malformed import MALFORMED
from assetctl.storage.state.modes import make_folders
from assetctl.storage.state.whole import write_whole

__all__ = [
    "FileDigests",
    "digest_directory",
    "digest_file",
    "directory_identity",
    "file_identity",
    "glob_files",
    "observe_source",
    "source_path",
    "table_identity",
]

_NO_OPTIONS: Mapping[str, Any] = {}
_ABSENT = {
    SourceShape.FILE: "is not there",
    SourceShape.DIRECTORY: "is not a folder",
    SourceShape.GLOB: "matches no file",
}


def file_identity(digest: Digest) -> ValueIdentity:
    """Return the identity of a file with these bytes."""
    return ValueIdentity(DataVersion(Framed("av/1").tag("file").child(digest).hexdigest()), "file")


def directory_identity(digest: Digest) -> ValueIdentity:
    """Return the identity of a folder with this digest."""
    return ValueIdentity(DataVersion(digest), "directory")


def source_path(declaration: SourceDef, root: Path) -> Path:
    """Return where a source lies: as declared, relative to the project root."""
    return root / Path(declaration.path).expanduser()


def glob_files(declaration: SourceDef, root: Path) -> list[Path]:
    """Return the files a glob source matches, sorted by their paths."""
    pattern = source_path(declaration, root)
    matches = glob.glob(os.fspath(pattern), recursive=True, include_hidden=False)  # noqa: PTH207  (absolute patterns)
    return sorted(path for path in map(Path, matches) if is_regular(path))


def observe_source(declaration: SourceDef, root: Path, digests: FileDigests) -> tuple[ValueIdentity, int]:
    """Return what a source is now, and its size in bytes.

    Raises:
        DeclarationError: it is missing, or not of the declared shape.
        EnvironmentFault: it cannot be read.
    """
    path = source_path(declaration, root)
    match declaration.shape:
        case SourceShape.GLOB:
            return _observe_glob(declaration, root, digests)
        case SourceShape.DIRECTORY:
            if not path.is_dir():
                raise _missing(declaration, path)
            digest, size = digest_directory(path, digests)
            return directory_identity(digest), size
        case SourceShape.FILE:
            if not is_regular(path):
                raise _missing(declaration, path)
            return file_identity(digests.of(path)), size_of(path)
        case _:
            assert_never(declaration.shape)


def _observe_glob(declaration: SourceDef, root: Path, digests: FileDigests) -> tuple[ValueIdentity, int]:
    files = glob_files(declaration, root)
    if not files:
        raise _missing(declaration, source_path(declaration, root))
    base = _fixed_part(source_path(declaration, root))
    out = Framed("av/1").tag("glob").length(len(files))
    for file in files:
        out.text(file.relative_to(base).as_posix()).child(digests.of(file))
    return ValueIdentity(DataVersion(out.hexdigest()), "glob"), sum(map(size_of, files))


def _fixed_part(pattern: Path) -> Path:
    parts = pattern.parts
    fixed = next((place for place, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return Path(*parts[:fixed])


def _missing(declaration: SourceDef, path: Path) -> DeclarationError:
    name = declaration.key or declaration.path
    what = _ABSENT[declaration.shape]
    if declaration.shape is SourceShape.FILE and path.is_dir():
        what = "is a folder; declare it with `source.directory`"
    facts = [("path", str(path))]
    if declaration.where:
        facts.insert(0, ("declared in", declaration.where))
    hint = "put the file there, or correct the path (relative paths start at the project folder)"
    if path.parent.is_dir():
        near = similar(path.name, os.listdir(path.parent))  # noqa: PTH208
        if near != [path.name]:
            hint = suggestion(Path(declaration.path).with_name(other).as_posix() for other in near) or hint
    return DeclarationError(Problem("source-missing", f"source `{name}` {what}", tuple(facts), hint))


def table_identity(
    path: Path,
    bytes_digest: Digest,
    cache_folder: Path | None = None,
    family: Form = Form.ARROW,
    options: Mapping[str, Any] = _NO_OPTIONS,
) -> ValueIdentity:
    """Return the identity of the table that a library reads from a file, remembered by its bytes and the reader.

    Raises:
        DeclarationError: the file is not a table of its format.
    """
    reader = reader_name(path, family, options)
    key = digest_bytes(f"{bytes_digest} {reader}".encode()).removeprefix("b3:")
    remembered = None if cache_folder is None or not reader else cache_folder / "tables" / f"{key}.json"
    known = None if remembered is None else _read_remembered(remembered)
    if known is None:
        known = _identify_table(path, bytes_digest, family, options)
        # A file that changed between hashing and parsing must not be remembered under its old bytes.
        again = digest_directory(path)[0] if path.is_dir() else digest_file(path)
        if remembered is not None and again == bytes_digest:
            _remember(remembered, known)
    return known


def _identify_table(path: Path, bytes_digest: Digest, family: Form, options: Mapping[str, Any]) -> ValueIdentity:
    if family is Form.ARROW:
        from assetctl.lineage.identity.values.tables import TableHasher

        reader = open_table(path, (), options)
        hasher = TableHasher(reader.schema)
        for batch in reader:
            hasher.feed(batch)
        return hasher.finish()
    from assetctl.lineage.identity.values.identify import Unencodable, identify_value

    with warnings.catch_warnings(action="ignore"):  # the step that reads it is told them
        frame = parse_table(path, (), family, options)
    try:
        return identify_value(frame)
    except Unencodable:  # cells may hold anything: then every change of the bytes counts
        out = Framed("av/1").tag("read as").text(reader_name(path, family, options)).child(bytes_digest)
        return ValueIdentity(DataVersion(out.hexdigest()), f"{family}.DataFrame", len(frame))


def _remember(file: Path, identity: ValueIdentity) -> None:
    columns = [[column.name, column.type, column.digest] for column in identity.columns]
    body = json.dumps([identity.version, identity.kind, identity.n_rows, columns])
    with suppress(OSError):  # not remembering is always correct
        make_folders(file.parent)
        write_whole(file, f"{digest_bytes(body.encode())}\n{body}\n".encode(), durable=False)


def _read_remembered(file: Path) -> ValueIdentity | None:
    try:
        checksum, body = file.read_text("utf-8").splitlines()
        if checksum != digest_bytes(body.encode()):
            return None
        version, kind, n_rows, columns = json.loads(body)
        return ValueIdentity(version, kind, n_rows, tuple(ColumnDigest(*column) for column in columns))
    except (OSError, *MALFORMED):
        return None
