"""`assetctl sync`: tell the team's lineage store what was recorded here."""

from __future__ import annotations

import click

from assetctl.cli.session import Session
from assetctl.cli.text.speech import count
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl sync", "send what the team's store lacks; a run does so by itself"),
        ("assetctl sync --json", "the same, and how many facts were new to it"),
    )
)


@click.command("sync", cls=Verb, guide=_GUIDE)
@click.pass_obj
def command(session: Session) -> int:
    """Send every recorded fact that the team's lineage store (`lineage` in the settings) lacks.

    A run does so too, but waits for the store only a few seconds; what it could not send
    goes with the next run, or now.
    """
    synced = session.project.sync()
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.publishing import sync_json

        write_json(sync_json(synced))
    else:
        session.say(f"{count(synced.n_facts, 'fact')} sent to {synced.store}")
    return 0
