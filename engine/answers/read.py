"""Hand out the value of a recorded version: as the asset returned it, or as a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.find import find_recorded
from assetctl.engine.answers.hand_out import hand_out
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.ports import Wanted
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.in_use import in_use

_SEPARATORS = tuple(separator for separator in (os.sep, os.altsep) if separator)


@dataclass(frozen=True, slots=True)
class Written:
    """A version of an asset that was written to a file or folder, and how large that is."""

    asset: AssetKey
    path: Path
    data_version: str
    size_bytes: int


def load_value(workspace: Workspace, key: AssetKey, version: str | None) -> Any:
    """Return a fresh value, decoded from verified bytes."""
    recorded = find_recorded(workspace, key, version)
    with in_use(workspace.layout):
        workspace.require_bytes(recorded)
        if recorded.output.value.classes:  # they are found where the project's modules are
            workspace.graph()
        return workspace.stores.data.load(recorded.output, Wanted())


def export_value(workspace: Workspace, key: AssetKey, version: str | None, target: str | Path) -> Path:
    """Write a value to a file or folder and return the path; what is there is replaced."""
    return write_file(workspace, key, version, target, replace=True).path


def write_file(
    workspace: Workspace, key: AssetKey, version: str | None, target: str | Path, *, replace: bool
) -> Written:
    """Write an asset to a file in the format of its ending, or into a folder under the asset's name.

    Raises:
        SelectionError: nothing was ever materialized under this key or version, the file
            is there already and may not be replaced, or its ending is none that the value has.
        CorruptionError: its stored bytes are not what was recorded.
        EnvironmentFault: the file cannot be written, or the library that writes it is missing.
    """
    recorded = find_recorded(workspace, key, version)
    path = _free_path(target, file_name_of(workspace, key, recorded), may_replace=replace)
    with in_use(workspace.layout):
        workspace.require_bytes(recorded)
        hand_out(workspace, recorded.output, path)
    return Written(key, path, recorded.output.value.version, _size_of(path))


@contextmanager
def open_file(workspace: Workspace, key: AssetKey, version: str | None) -> Iterator[BinaryIO]:
    """Give an asset's ordinary format as bytes to read.

    Raises:
        SelectionError: nothing was ever materialized under this key or version, or it is a folder of files.
        CorruptionError: its stored bytes are not what was recorded.
        EnvironmentFault: there is no room for a temporary file.
    """
    name = file_name_of(workspace, key, find_recorded(workspace, key, version))
    try:
        temporary = tempfile.TemporaryDirectory()
    except OSError as cause:
        raise environment_fault(cause, "TMPDIR", "no temporary file can be written") from cause
    with temporary as folder:
        written = export_value(workspace, key, version, Path(folder) / name)
        if written.is_dir():
            raise SelectionError(
                Problem("not-for-stdout", f"`{key}` is a folder of files", hint="name a folder with -o")
            )
        with written.open("rb") as file:
            yield file


def file_name_of(workspace: Workspace, key: AssetKey, recorded: Recorded) -> str:
    """Return the name that an asset's file has: the last part of its key, and its format's ending."""
    return key.rpartition("/")[2] + workspace.stores.data.extension(recorded.output)


def _free_path(target: str | Path, name: str, *, may_replace: bool) -> Path:
    """Return the path to write to: within a folder that was named (it ends in `/`, or is one), the file of that name."""
    path = Path(target)
    try:
        path = path / name if path.is_dir() or str(target).endswith(_SEPARATORS) else path
        is_taken = path.exists()
        is_special = is_taken and not (path.is_file() or path.is_dir())
    except OSError as cause:
        raise environment_fault(cause, path, "a file cannot be written") from cause
    if is_special:
        raise SelectionError(Problem("file-exists", f"`{path}` is no file", hint="`-o -` writes to stdout"))
    if is_taken and not may_replace:
        raise SelectionError(
            Problem(
                "file-exists", f"`{path}` is there already", hint="name another with -o, or replace it with --force"
            )
        )
    return path


def _size_of(path: Path) -> int:
    try:
        files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files)
    except OSError as cause:
        raise environment_fault(cause, path, "a file cannot be read again") from cause
