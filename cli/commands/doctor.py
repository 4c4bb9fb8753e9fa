"""`assetctl doctor`: look for damage in what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from assetctl.assets.errors import CorruptionError
from assetctl.cli.session import Session
from assetctl.cli.text.speech import count
from assetctl.cli.verbs import Guide, Verb

if TYPE_CHECKING:
    from assetctl.engine.care.examine import Examined

_GUIDE = Guide(
    (
        ("assetctl doctor", "journal, stored bytes (by size), lineage database"),
        ("assetctl doctor --deep", "also hash every stored byte"),
        ("assetctl doctor --rebuild", "fold the lineage database anew from the journal"),
    ),
    (0, 2, 4, 5, 6, 70),
)
_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


@click.command("doctor", cls=Verb, guide=_GUIDE)
@click.option("--deep", is_flag=True, help="Hash every stored byte instead of comparing sizes.")
@click.option("--rebuild", is_flag=True, help="First fold the lineage database anew; nothing is lost by it.")
@click.pass_obj
def command(session: Session, deep: bool, rebuild: bool) -> int:
    """Look for damage in the state folder and say what it means and what to do; exit code 4 if facts or bytes are corrupt."""
    if rebuild and session.project.rebuild():
        session.say("the lineage database was folded anew from the journal")
    examined = session.project.doctor(deep=deep)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.care import doctor_json

        write_json(doctor_json(examined))
    else:
        _show(session, examined)
    return 0 if examined.is_sound else CorruptionError.exit_code


def _show(session: Session, examined: Examined) -> None:
    from assetctl.cli.text.render import text

    for finding in examined.findings:
        session.out.print(
            text(f"{finding.severity}: ", _STYLES[finding.severity]).append_text(text(finding.what)), soft_wrap=True
        )
        session.out.print(text(f"  in   {finding.where}", "dim"), soft_wrap=True)
        if finding.hint:
            session.out.print(text(f"hint: {session.typed(finding.hint)}"), soft_wrap=True)
    counts = {kind: sum(f.severity == kind for f in examined.findings) for kind in _STYLES}
    said = ", ".join(count(number, kind) for kind, number in counts.items() if number)
    session.out.print(text(said or "everything is sound"))
