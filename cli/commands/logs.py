"""`assetctl logs`: what steps printed."""

from __future__ import annotations

import sys

import click

from assetctl.cli.options import optional_asset_argument
from assetctl.cli.session import Session
from assetctl.cli.text.speech import clean
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl logs", "everything the last run printed"),
        ("assetctl logs model", "what `model` printed the last time it ran"),
        ("assetctl logs 01m83nzfs0 --tail 50", "the last lines of each step of a run"),
    )
)


@click.command("logs", cls=Verb, guide=_GUIDE)
@optional_asset_argument
@click.option("--tail", type=click.IntRange(min=1), metavar="N", help="Only the last N lines of each step.")
@click.option("--raw", is_flag=True, help="Print control characters as they are.")
@click.pass_obj
def command(session: Session, asset: str | None, tail: int | None, raw: bool) -> int:
    """Print what steps printed: of ASSET the last time it ran, of a run (its id or the beginning of it), or of the last run."""
    logs = session.project.logs(asset, tail)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.answers import logs_json

        write_json(logs_json(logs))
        return 0
    for log in logs:
        if len(logs) > 1:
            session.say(f"{log.asset}  run {log.run_id}")
        sys.stdout.write(log.text if raw else clean(log.text))
    if not logs:
        session.say("nothing was run yet: assetctl materialize")
    return 0
