"""`assetctl accept`: carry a record over to refactored code."""

from __future__ import annotations

import click

from assetctl.cli.options import asset_argument
from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl accept features", "run the refactored code; if it gives the same data, `features` counts as fresh"),
        ("assetctl accept features --unverified", "take your word for it; the record says so"),
    ),
    (0, 1, 2, 5, 6, 70),
)


@click.command("accept", cls=Verb, guide=_GUIDE)
@asset_argument
@click.option("--unverified", is_flag=True, help="Run nothing; the record says that nobody checked.")
@click.pass_obj
def command(session: Session, asset: str, unverified: bool) -> int:
    """Accept that new code of ASSET gives the same data, so that it and its readers stay fresh.

    The present code is run on the recorded inputs and its result compared with the
    recorded one. Nothing is changed unless they are the same.
    """
    accepted = session.project.accept(asset, is_verified=not unverified)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.curation import accept_json

        write_json(accept_json(accepted))
    elif not accepted.changed:
        session.say(f"{asset} is fresh already; there is nothing to accept")
    else:
        how = "the same data, verified by running it" if accepted.verified else "not verified"
        session.say(f"accepted {', '.join(accepted.assets)}: {how}")
    return 0
