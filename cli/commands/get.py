"""`assetctl get`: an asset as a file."""

from __future__ import annotations

import shutil
import sys
from typing import BinaryIO

import click

from assetctl.assets.errors import Problem, SelectionError
from assetctl.cli.options import version_argument
from assetctl.cli.session import Session
from assetctl.cli.text.speech import clean, size
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl get features", "write features.parquet (or what fits) here"),
        ("assetctl get features -o features.csv", "in the format that the name ends in"),
        ("assetctl get features@3f9a12cd", "a version; `@candidate`: what a check held back"),
        ("assetctl get metrics -o - | jq .auc", "to a pipe"),
    ),
    (0, 2, 4, 6, 70),
)


@click.command("get", cls=Verb, guide=_GUIDE)
@version_argument
@click.option("-o", "--output", metavar="PATH", help="File or folder to write to; `-` for stdout.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.pass_obj
def command(session: Session, asset: str, output: str | None, force: bool) -> int:
    """Write ASSET to a file, in the format that the file's name ends in.

    A table can be .parquet, .arrow, .csv, .tsv, .json, .jsonl, .xlsx, .html or .pkl, text
    formats also with .gz; an array .npy, .npz, .csv or .json; plain data .json; any value
    .pkl. What the value has no format for is refused. Without a name, or with a folder's,
    it is written as it is kept: a table as Parquet (as Arrow, where Parquet would lose
    something), plain data as JSON, a model as its own kind of file, files as they are.
    """
    if output == "-":
        with session.project.open_file(asset) as file:
            _print(file, asset)
        return 0
    written = session.project.get(asset, output or ".", replace=force)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.answers import get_json

        write_json(get_json(written))
    else:
        session.say(f"wrote {written.path} ({size(written.size_bytes)}, version {_short(written.data_version)})")
    return 0


def _print(file: BinaryIO, asset: str) -> None:
    """Copy a file to stdout; to a terminal only text, of which nothing can steer it, and which ends with a newline."""
    sys.stdout.flush()
    if not sys.stdout.isatty():
        shutil.copyfileobj(file, sys.stdout.buffer)
        return
    from assetctl.engine.answers.contents import is_text

    content = file.read()
    if not is_text(content):
        hint = "name a file with `-o FILE`, or send it to a program with `|`"
        raise SelectionError(Problem("not-for-stdout", f"`{asset}` is not text, and this is a terminal", hint=hint))
    text = clean(content.decode())
    sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")


def _short(digest: str) -> str:
    return digest.removeprefix("b3:")[:8]
