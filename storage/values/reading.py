"""Read stored outputs: verified bytes to fresh values, in the form a consumer wants.

A consumer never gets the store's own file: paths are copies, values are decoded anew.
"""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Any

from assetctl.assets.errors import AssetctlError, AssetFailed, CorruptionError, DeclarationError, Problem
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import BlobDigest, Output
from assetctl.lineage.facts.snapshot import OutputState
from assetctl.lineage.identity.encode import digest_bytes
from assetctl.storage.blobs.blobs import Blobs, corruption
from assetctl.storage.blobs.folders import FolderFile, copy_folder, folder_state, read_empty, read_manifest
from assetctl.storage.codecs.base import Codec, Encoded, NotEncodable, Undecodable, Untrusted
from assetctl.storage.codecs.containers import TABLE_KINDS, convert, from_arrow, kind_of_table, project
from assetctl.storage.codecs.own import OwnCodec
from assetctl.storage.codecs.registry import FILE, FOLDER, NONE, PARQUET, PICKLE, Codecs
from assetctl.storage.sources.parsing import column_names, parse_table
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.modes import open_as_any
from assetctl.storage.state.whole import whole_file, write_whole

_DISK_FAILS = frozenset((errno.EIO, errno.ESTALE, errno.ENODEV, errno.ETIMEDOUT))
_TABLE_FORMS = (Form.ARROW, Form.PANDAS, Form.POLARS, Form.READER, Form.NUMPY)


class OutputReader:
    """Loads, inspects and exports outputs kept in one store."""

    def __init__(self, blobs: Blobs, codecs: Codecs) -> None:
        self._blobs = blobs
        self._codecs = codecs

    def load(self, output: Output, wanted: Wanted) -> Any:
        """Return a fresh value decoded from verified bytes.

        Raises:
            AssetFailed: it has no such columns, or cannot be given in that form or decoded.
            CorruptionError: the bytes are not what was recorded; they were set aside.
        """
        if output.blob is None:
            return None
        if wanted.columns:
            _check_columns(output, wanted.columns)
        try:
            return self._load(output, output.blob, wanted)
        except NotEncodable as refused:
            raise AssetFailed(
                Problem(
                    "not-convertible",
                    f"`{output.target}` cannot be read as {wanted.form}: {refused}",
                    (("it is", output.value.kind),),
                    "change the annotation of the parameter, or drop it to get the value as it was returned",
                )
            ) from refused
        except Untrusted as refused:
            raise AssetFailed(Problem("not-trusted", f"`{output.target}` was not loaded: {refused}")) from refused

    def _load(self, output: Output, blob: BlobDigest, wanted: Wanted) -> Any:
        if output.codec.startswith((FILE, FOLDER)):
            path = self._own_copy(output, blob)
            if wanted.form not in _TABLE_FORMS:
                return path
            return self._parsed(output, path, wanted)
        if wanted.form is Form.PATH:
            return self._own_copy(output, blob)
        codec = self._codec_of(output)
        stored = self.encoded(output, blob)
        try:
            value = decode(codec, stored, output.value.kind, wanted)
            if isinstance(codec, OwnCodec):
                _check_version(codec, value, output, wanted)
        except (AssetctlError, NotEncodable, Untrusted):
            raise
        except Exception as cause:
            if isinstance(cause, OSError) and cause.errno in _DISK_FAILS:
                raise environment_fault(cause, stored.path or output.target, "stored bytes cannot be read") from cause
            raise _undecodable(output, stored, cause) from cause
        return value

    def _codec_of(self, output: Output) -> Codec:
        try:
            return self._codecs.named(output.codec)
        except DeclarationError as unknown:
            raise AssetFailed(
                Problem(
                    "unknown-codec",
                    f"`{output.target}` is kept by the codec `{output.codec}`, which this project does not declare",
                    (("codecs", ", ".join(self._codecs.names())),),
                    f"bring its class back into one of the project's files, or build `{output.target}` again",
                )
            ) from unknown

    def _parsed(self, output: Output, path: Path, wanted: Wanted) -> Any:
        """Return the table of a file that an asset returned."""
        try:
            table = parse_table(path, wanted.columns, wanted.form.family)
        except DeclarationError as refused:
            first = refused.problems[0]
            raise AssetFailed(
                Problem(
                    "not-convertible",
                    f"`{output.target}` is a file, and {first.message}",
                    (("it is", output.codec),),
                    first.hint,
                )
            ) from refused
        finally:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        _refuse_absent(output, wanted.columns, column_names(table))
        return convert(project(table, wanted.columns), wanted.form)

    def encoded(self, output: Output, blob: BlobDigest) -> Encoded:
        """Return an output's verified bytes. They are trusted: the record is of this project's journal.

        Bytes that could run code are read before they are hashed, so that they cannot be swapped in between.
        """
        if output.inline is None:
            if output.codec == PICKLE:
                return Encoded(data=self._blobs.read_bytes(blob), trusted=True)
            return Encoded(path=self._blobs.open_verified(blob), trusted=True)
        if BlobDigest(digest_bytes(output.inline)) != blob:
            raise corruption(blob, "the bytes kept in the record have another hash", Path("journal"))
        return Encoded(data=output.inline, trusted=True)

    def _own_copy(self, output: Output, blob: BlobDigest) -> Path:
        target = self._blobs.temporary(self.extension(output))
        self._write(output, blob, target)
        return target

    def _write(self, output: Output, blob: BlobDigest, target: Path) -> None:
        if output.codec == FOLDER:
            manifest = self._blobs.read_bytes(blob)
            copy_folder(self._blobs, read_manifest(blob, manifest), target, read_empty(blob, manifest))
        elif output.inline is None:
            self._blobs.copy_out(blob, target)
        else:
            data = self.encoded(output, blob).read()
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                write_whole(target, data, durable=False, opener=open_as_any)
            except OSError as cause:
                raise environment_fault(cause, target, "a file cannot be written") from cause

    def _manifest(self, blob: BlobDigest) -> list[FolderFile]:
        return read_manifest(blob, self._blobs.read_bytes(blob))

    def extension(self, output: Output) -> str:
        """Return what a file of an output's bytes is called; "" for a folder, and where its codec is not known."""
        name, _, suffix = output.codec.partition(":")
        if name in (FILE, FOLDER, NONE):
            return suffix
        try:
            return self._codecs.named(name).extension
        except DeclarationError:
            return ""

    def state(self, output: Output) -> OutputState:
        """Say whether the bytes are there, by their size; only a folder's manifest is read."""
        if output.blob is None or output.inline is not None:
            return OutputState.PRESENT
        if output.codec != FOLDER:
            return self._blobs.state(output.blob, output.size_bytes)
        try:
            return folder_state(self._blobs, self._manifest(output.blob))
        except CorruptionError:
            is_missing = self._blobs.state(output.blob, 0) is OutputState.MISSING
            return OutputState.MISSING if is_missing else OutputState.CORRUPT

    def export(self, output: Output, target: Path) -> None:
        """Write an output to a path in its ordinary format; a table to `*.csv` as CSV.

        Raises:
            AssetFailed: there is no value to write.
            CorruptionError: the bytes are not what was recorded.
            EnvironmentFault: the target cannot be written.
        """
        if output.blob is None or output.codec == NONE:
            raise AssetFailed(
                Problem(
                    "nothing-to-write",
                    f"`{output.target}` is None: there is nothing to write",
                    hint="it stands for a side effect",
                )
            )
        if target.suffix == ".csv" and output.value.kind in TABLE_KINDS and not output.codec.startswith("csv"):
            self._write_csv(output, target)
        else:
            self._write(output, output.blob, target)

    def _write_csv(self, output: Output, target: Path) -> None:
        from pyarrow import csv

        table = self.load(output, Wanted(Form.ARROW))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(target, durable=False, opener=open_as_any) as file:
                csv.write_csv(table, file)
        except OSError as cause:
            raise environment_fault(cause, target, "a file cannot be written") from cause


def decode(codec: Codec, stored: Encoded, kind: str, wanted: Wanted) -> Any:
    """Decode into the wanted form, by the shortest way."""
    if codec is PARQUET and wanted.form is Form.READER:
        return PARQUET.read_stream(stored, wanted.columns)
    if codec is PARQUET and wanted.form in (Form.ARROW, Form.POLARS) and not kind.startswith("pandas."):
        table = codec.decode(stored, "arrow.Table", wanted.columns)
        return table if wanted.form is Form.ARROW else from_arrow(table, "polars.DataFrame")
    value = codec.decode(stored, kind, wanted.columns)
    if wanted.columns and kind_of_table(value) is not None:
        value = project(value, wanted.columns)
    return value if wanted.form is Form.STORED else convert(value, wanted.form)


def _check_version(codec: OwnCodec, value: object, output: Output, wanted: Wanted) -> None:
    """Compare what a codec of the project's own gives with what was recorded: its code may be another by now."""
    if output.value.basis != "content" or wanted != Wanted():
        return
    identity = codec.identity(value, unordered=output.value.unordered)
    if identity is None or identity.version != output.value.version:
        raise Undecodable("it is not the value that was stored: the codec has changed since")


def _undecodable(output: Output, stored: Encoded, cause: Exception) -> AssetFailed:
    where = (("file", str(stored.path)),) if stored.path is not None else ()
    said = str(cause).strip().splitlines()[0] if str(cause).strip() else ""
    reason = said if isinstance(cause, Undecodable) else f"{type(cause).__name__}: {said}"
    hint = "what it needs to be read may have changed since it was stored: build it again with "
    hint += f"`assetctl materialize {output.target} --force`"
    if isinstance(cause, MemoryError):
        reason = f"it does not fit into memory ({said})"
        if output.value.columns:
            hint = "read fewer columns, or annotate the parameter as `pyarrow.RecordBatchReader` to read it in parts"
    return AssetFailed(
        Problem(
            "not-decodable",
            f"`{output.target}` cannot be decoded by the codec `{output.codec}`: {reason}",
            (("it is", output.value.kind), *where),
            hint,
        )
    )


def _check_columns(output: Output, columns: tuple[str, ...]) -> None:
    if not output.codec.startswith(FILE):  # what a file holds is known when it is parsed
        names = [column.name for column in output.value.columns if not column.name.startswith("index:")]
        _refuse_absent(output, columns, names)


def _refuse_absent(output: Output, columns: tuple[str, ...], available: list[str]) -> None:
    absent = [name for name in columns if name not in available]
    if absent:
        raise AssetFailed(
            *(
                Problem(
                    "unknown-column",
                    f"`{output.target}` has no column `{name}`",
                    (("columns", ", ".join(available) or f"none: it is a `{output.value.kind}`"),),
                    "correct the name in `columns(...)`, or add the column upstream",
                )
                for name in absent
            )
        )
