"""`assetctl init`: a small working project."""

from __future__ import annotations

from pathlib import Path

import click

from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide((("assetctl init", "into this folder"), ("assetctl init shop", "into the folder `shop`")), (0, 2, 6))


@click.command("init", cls=Verb, guide=_GUIDE)
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.pass_obj
def command(session: Session, folder: Path | None) -> int:
    """Write a small working project into DIR (default: here). Nothing that is there is replaced."""
    from assetctl.cli.starter import starter_here, write_project

    target = folder or Path(session.project_path or ".")
    written = write_project(target, starter_here())
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.command import init_json

        write_json(init_json(target, written))
        return 0
    for path in written:
        session.say(f"wrote {path}")
    session.say("")
    if target.resolve() != Path.cwd():
        session.say(f"next: cd {target}")
    for step, what in (
        ("assetctl plan", "what would run, and why"),
        ("assetctl materialize", "run it"),
        ("assetctl show model", "what came out"),
        ("assetctl lineage -o lineage.svg", "the picture"),
    ):
        session.say(f"      {step:<33}{what}")
    session.say("then edit pipeline.py or data/trips.csv, and ask again: only what the edit reaches runs")
    return 0
