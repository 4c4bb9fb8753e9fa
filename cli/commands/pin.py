"""`assetctl pin`: keep versions from being cleaned up."""

from __future__ import annotations

import click

from assetctl.cli.options import optional_version_argument
from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb
from assetctl.engine.answers.versions import split_version
from assetctl.engine.curation.pin import Pins

_GUIDE = Guide(
    (
        ("assetctl pin", "every pin in force"),
        ("assetctl pin model@3f9a12cd --note 'in production'", "gc keeps this version"),
        ("assetctl pin model --remove", "gc may delete all but the latest again"),
    ),
    (0, 2, 6, 70),
)


@click.command("pin", cls=Verb, guide=_GUIDE)
@optional_version_argument
@click.option("--remove", is_flag=True, help="Lift the pins of ASSET, or of this version.")
@click.option("--note", default="", metavar="TEXT", help="Say why; it is shown with the pin.")
@click.pass_obj
def command(session: Session, asset: str | None, remove: bool, note: str) -> int:
    """Keep ASSET@VERSION (or the latest version of ASSET) from being cleaned up; without ASSET, list all pins.

    It changes nothing about what is built or read. To have readers get an earlier
    version, and to hold it there, use `assetctl rollback`.
    """
    pins = _act(session, asset, remove=remove, note=note)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.curation import pins_json

        write_json(pins_json(pins))
    elif pins.set_ is not None:
        session.say(f"pinned {pins.set_.target}@{pins.set_.data_version.removeprefix('b3:')[:8]}: gc keeps its bytes")
    elif pins.lifted:
        session.say(f"lifted {len(pins.lifted)} of the pins of {asset}")
    elif pins.pins:
        from assetctl.cli.text.render_answers import show_pins

        show_pins(session.out, pins.pins)
    else:
        session.say("there is no pin: assetctl pin ASSET@VERSION")
    return 0


def _act(session: Session, asset: str | None, *, remove: bool, note: str) -> Pins:
    if asset is None:
        if remove or note:
            raise click.UsageError("name an asset: assetctl pin ASSET[@VERSION]")
        return session.project.pins()
    key, version = split_version(asset)
    return session.project.unpin(key, version) if remove else session.project.pin(key, version, note=note)
