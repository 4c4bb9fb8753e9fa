"""`assetctl diff`: two versions of an asset side by side."""

from __future__ import annotations

import click

from assetctl.cli.options import asset_argument
from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl diff features", "the latest version against the one before"),
        ("assetctl diff features 3f9a12cd 81c0aa45", "two versions from `assetctl history features`"),
    ),
    (0, 2, 4, 6, 70),
)


@click.command("diff", cls=Verb, guide=_GUIDE)
@asset_argument
@click.argument("old", required=False)
@click.argument("new", required=False)
@click.pass_obj
def command(session: Session, asset: str, old: str | None, new: str | None) -> int:
    """Compare two versions of ASSET: rows, columns, values that read as text, and why they differ."""
    diff = session.project.diff(asset, old, new)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.answers import diff_json

        write_json(diff_json(diff))
        return 0
    from assetctl.cli.text.render_answers import show_diff

    show_diff(session.out, diff)
    return 0
