"""`assetctl history`: what was materialized, and when."""

from __future__ import annotations

import click

from assetctl.cli.options import optional_asset_argument
from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl history", "the last 20 materializations of all assets"),
        ("assetctl history model --limit 5", "the last five versions of `model`"),
    )
)


@click.command("history", cls=Verb, guide=_GUIDE)
@optional_asset_argument
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="At most N lines."
)
@click.pass_obj
def command(session: Session, asset: str | None, limit: int) -> int:
    """List materializations, newest first: of all assets, or of ASSET (which may be gone from the code)."""
    entries = session.project.history(asset, limit)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.answers import history_json

        write_json(history_json(entries))
        return 0
    from assetctl.cli.text.render_answers import show_history

    show_history(session.out, entries)
    if not entries:
        session.say("nothing was materialized yet: assetctl materialize")
    return 0
