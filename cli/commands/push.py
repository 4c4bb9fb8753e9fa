"""`assetctl push`: upload results to the shared cache."""

from __future__ import annotations

import click

from assetctl.cli.options import selection_argument
from assetctl.cli.session import Session
from assetctl.cli.text.speech import count, names, size
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl push", "everything that is fresh, and what earlier runs could not upload"),
        ("assetctl push model", "`model`, and what it needs"),
    ),
    (0, 2, 6, 70),
)


@click.command("push", cls=Verb, guide=_GUIDE)
@selection_argument
@click.pass_obj
def command(session: Session, selection: tuple[str, ...]) -> int:
    """Upload what SELECTION (default: everything) has published to the shared cache, unless it is there.

    Runs upload by themselves; this is for results from before there was a shared cache,
    and for those that could not be uploaded. Only what is fresh is shared.
    """
    pushed = session.project.push(*selection)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.publishing import push_json

        write_json(push_json(pushed))
        return 0
    session.out.print(
        f"shared {count(len(pushed.shared), 'asset')} with {pushed.remote} ({size(pushed.size_bytes)} sent); "
        f"{len(pushed.present):,} were there",
        soft_wrap=True,
    )
    if pushed.not_fresh:
        session.say(f"not fresh, so not shared: {names(pushed.not_fresh)}")
    return 0
