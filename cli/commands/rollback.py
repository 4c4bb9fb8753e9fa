"""`assetctl rollback`: serve an earlier version, until that is lifted."""

from __future__ import annotations

import click

from assetctl.cli.options import version_argument
from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb
from assetctl.engine.answers.versions import split_version

_GUIDE = Guide(
    (
        ("assetctl rollback model@3f9a12cd", "readers get this version (`history` lists them), whatever changes"),
        ("assetctl rollback model@3f9a12cd --note 'scores fell'", "the same, saying why"),
        ("assetctl rollback model --lift", "back to what the code says now"),
    ),
    (0, 2, 5, 6, 70),
)


@click.command("rollback", cls=Verb, guide=_GUIDE)
@version_argument
@click.option("--lift", is_flag=True, help="Lift the pin: the next run goes by the code again.")
@click.option("--note", default="", metavar="TEXT", help="Say why; it is shown with the pin.")
@click.pass_obj
def command(session: Session, asset: str, lift: bool, note: str) -> int:
    """Publish ASSET@VERSION again and pin it: it is not rebuilt, and readers get it, until the pin is lifted.

    All outputs of its step go back together. What reads them becomes stale once, by
    what changed. `plan` and `why` say that it is pinned, and what would be stale.
    """
    key, version = split_version(asset)
    if lift == (version is not None):
        what = "`--lift` takes an asset without a version" if lift else "name the version to go back to: ASSET@VERSION"
        raise click.UsageError(f"{what} (`assetctl history {key}` lists them)")
    done = session.project.rollback(key, version, note=note)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.curation import rollback_json

        write_json(rollback_json(done))
        return 0
    for pin in done.pins:
        session.say(f"{pin.target} is pinned to b3:{pin.data_version.removeprefix('b3:')[:8]}")
    for pin in done.lifted:
        session.say(f"{pin.target} is no longer pinned")
    session.say("next: assetctl plan")
    return 0
