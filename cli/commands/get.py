"""`assetctl get`: an asset as a file."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import click

from assetctl.assets.errors import Problem, SelectionError
from assetctl.cli.options import asset_argument, split_version
from assetctl.cli.session import Session
from assetctl.cli.text.speech import size
from assetctl.cli.verbs import Guide, Verb
from assetctl.storage.state.format import environment_fault

_GUIDE = Guide(
    (
        ("assetctl get features", "write features.parquet (or what fits) here"),
        ("assetctl get metrics -o metrics.json", "to a file of your choice"),
        ("assetctl get features@3f9a12cd -o old.parquet", "an earlier version"),
        ("assetctl get metrics -o - | jq .auc", "to a pipe"),
    ),
    (0, 2, 4, 6, 70),
)


@click.command("get", cls=Verb, guide=_GUIDE)
@asset_argument
@click.option("-o", "--output", metavar="PATH", help="File or folder to write to; `-` for stdout.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.pass_obj
def command(session: Session, asset: str, output: str | None, force: bool) -> int:
    """Write ASSET (or ASSET@VERSION) in its ordinary format: tables as Parquet, JSON as JSON, files as they are."""
    key, version = split_version(asset)
    project = session.project
    found = project.find(key, version)
    name = key.rpartition("/")[2] + project.workspace.stores.data.extension(found.output)
    if output == "-":
        return _to_stdout(session, key, version, name)
    target = _free_target(Path(output or "."), name, is_forced=force)
    written = project.export(key, target, version)
    document = {
        "schema": "assetctl.get/1",
        "asset": key,
        "path": str(written),
        "data_version": found.output.value.version,
    }
    if session.as_json:
        from assetctl.cli.text.json_output import write_json

        write_json(document)
    else:
        session.say(f"wrote {written} ({size(found.output.size_bytes)}, version {_short(found.output.value.version)})")
    return 0


def _free_target(target: Path, name: str, *, is_forced: bool) -> Path:
    """Return the path to write to: within a folder that was named, the file of that name."""
    try:
        path = target / name if target.is_dir() else target
        is_taken = path.exists()
    except OSError as cause:
        raise environment_fault(cause, target, "a file cannot be written") from cause
    if is_taken and not is_forced:
        raise SelectionError(
            Problem(
                "file-exists", f"`{path}` is there already", hint="name another with -o, or replace it with --force"
            )
        )
    return path


def _to_stdout(session: Session, key: str, version: str | None, name: str) -> int:
    try:
        temporary = tempfile.TemporaryDirectory()
    except OSError as cause:
        raise environment_fault(cause, "TMPDIR", "no temporary file can be written") from cause
    with temporary as folder:
        written = session.project.export(key, Path(folder) / name, version)
        if written.is_dir():
            raise SelectionError(
                Problem("not-for-stdout", f"`{key}` is a folder of files", hint="name a folder with -o")
            )
        sys.stdout.flush()
        with written.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
    return 0


def _short(digest: str) -> str:
    return digest.removeprefix("b3:")[:8]
