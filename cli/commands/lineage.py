"""`assetctl lineage`: draw who reads whom."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from assetctl.assets.errors import Problem, SelectionError
from assetctl.cli.options import exclude_option, selection_argument
from assetctl.cli.session import Session
from assetctl.cli.text.speech import count
from assetctl.cli.verbs import Guide, Verb
from assetctl.engine.answers.picture import DRAWN, FORMATS, chosen_format, picture

_GUIDE = Guide(
    (
        ("assetctl lineage model", "`model` and its upstreams as text"),
        ("assetctl lineage model -o model.svg", "as a picture, coloured by verdict, the change marked"),
        ("assetctl lineage model --depth 1 --format mermaid", "one hop, for a README"),
        ("assetctl lineage 'model+' -o impact.png", "what reads `model`, and what those need"),
    )
)


@click.command("lineage", cls=Verb, guide=_GUIDE)
@selection_argument
@exclude_option
@click.option("--format", "form", type=click.Choice(FORMATS), help="Default: what FILE ends with, else text.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write to a file."
)
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="At most N hops upstream of the selection.")
@click.pass_obj
def command(
    session: Session,
    selection: tuple[str, ...],
    exclude: tuple[str, ...],
    form: str | None,
    output: Path | None,
    depth: int | None,
) -> int:
    """Draw SELECTION (default: everything) with its upstreams.

    Colour and symbol say the verdict, boxes the groups; a bold border marks where a
    change began. svg and png are drawn by Graphviz, or by the program that came with
    assetctl; the other formats need neither.
    """
    form = chosen_format(form or ("json" if session.as_json else None), output)
    if output is None and form in DRAWN and sys.stdout.isatty():
        raise SelectionError(
            Problem(
                "not-for-stdout", f"{form} cannot be shown in a terminal", hint=f"write it to a file: -o lineage.{form}"
            )
        )
    view = session.project.lineage(*selection, exclude=exclude, depth=depth)
    session.remember()
    content = picture(view, form)
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content) if form in DRAWN else sys.stdout.write(content.decode())
        return 0
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(content)
    session.say(f"wrote {output} ({count(sum(node.kind != 'undeclared' for node in view.nodes), 'asset')})")
    return 0
