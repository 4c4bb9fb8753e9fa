"""`assetctl mv`: let an asset's history go on under its new name."""

from __future__ import annotations

import click

from assetctl.cli.complete import complete_asset
from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl mv features clean/features", "after renaming it in the code: nothing is built again"),
        ("assetctl mv orders paid", "`history paid` then begins with what was made as `orders`"),
    ),
    (0, 2, 5, 6, 70),
)


@click.command("mv", cls=Verb, guide=_GUIDE)
@click.argument("old", metavar="OLD", shell_complete=complete_asset)
@click.argument("new", metavar="NEW", shell_complete=complete_asset)
@click.pass_obj
def command(session: Session, old: str, new: str) -> int:
    """Let the history of OLD go on as NEW. Rename it in the code first: NEW is declared, OLD no longer.

    Values, versions, pins and answers of checks are NEW's from then on, and what reads it
    stays fresh. The name OLD is free again.
    """
    moved = session.project.move(old, new)
    session.remember()
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.curation import moved_json

        write_json(moved_json(moved))
    elif moved.changed:
        session.say(f"{old} goes on as {new}")
    else:
        session.say(f"{old} goes on as {new} already")
    return 0
