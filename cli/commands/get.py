"""`assetctl get`: an asset as a file."""

from __future__ import annotations

import shutil
import sys

import click

from assetctl.cli.options import asset_argument, split_version
from assetctl.cli.session import Session
from assetctl.cli.text.speech import size
from assetctl.cli.verbs import Guide, Verb

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
    if output == "-":
        with session.project.open_file(key, version) as file:
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)
        return 0
    written = session.project.get(key, output or ".", version, replace=force)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.answers import get_json

        write_json(get_json(written))
    else:
        session.say(f"wrote {written.path} ({size(written.size_bytes)}, version {_short(written.data_version)})")
    return 0


def _short(digest: str) -> str:
    return digest.removeprefix("b3:")[:8]
