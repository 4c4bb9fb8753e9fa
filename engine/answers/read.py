"""Hand out the value of a recorded version: as the asset returned it, or as a file in its ordinary format."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from assetctl.assets.errors import Problem, SelectionError
from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.find import find_recorded
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.ports import Wanted
from assetctl.lineage.facts.snapshot import Recorded
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.in_use import in_use


@dataclass(frozen=True, slots=True)
class Written:
    """A version of an asset that was written to a file or folder."""

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


def export_value(workspace: Workspace, key: AssetKey, target: Path, version: str | None) -> Path:
    """Write a value to a file or folder and return the path."""
    recorded = find_recorded(workspace, key, version)
    with in_use(workspace.layout):
        workspace.require_bytes(recorded)
        workspace.stores.data.export(recorded.output, target)
    return target


def write_file(workspace: Workspace, key: AssetKey, target: Path, version: str | None, *, replace: bool) -> Written:
    """Write an asset in its ordinary format: to a file, or into a folder that is there, under the asset's name.

    Raises:
        SelectionError: nothing was ever materialized under this key or version, or the file
            is there already and may not be replaced.
        CorruptionError: its stored bytes are not what was recorded.
        EnvironmentFault: the file cannot be written.
    """
    recorded = find_recorded(workspace, key, version)
    path = _free_path(target, file_name_of(workspace, key, recorded), may_replace=replace)
    written = export_value(workspace, key, path, version)
    return Written(key, written, recorded.output.value.version, recorded.output.size_bytes)


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
        written = export_value(workspace, key, Path(folder) / name, version)
        if written.is_dir():
            raise SelectionError(
                Problem("not-for-stdout", f"`{key}` is a folder of files", hint="name a folder with -o")
            )
        with written.open("rb") as file:
            yield file


def file_name_of(workspace: Workspace, key: AssetKey, recorded: Recorded) -> str:
    """Return the name that an asset's file has: the last part of its key, and its format's ending."""
    return key.rpartition("/")[2] + workspace.stores.data.extension(recorded.output)


def _free_path(target: Path, name: str, *, may_replace: bool) -> Path:
    """Return the path to write to: within a folder that was named, the file of that name."""
    try:
        path = target / name if target.is_dir() else target
        is_taken = path.exists()
    except OSError as cause:
        raise environment_fault(cause, target, "a file cannot be written") from cause
    if is_taken and not may_replace:
        raise SelectionError(
            Problem(
                "file-exists", f"`{path}` is there already", hint="name another with -o, or replace it with --force"
            )
        )
    return path
