"""`assetctl status`: one line of state per asset."""

from __future__ import annotations

import click

from assetctl.cli.commands.plan import NOT_FRESH
from assetctl.cli.options import selection_argument
from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl status", "every asset: state, age, size"),
        ("assetctl status group:features", "one group"),
        ("assetctl status model --check", "exit code 3 if `model` or an upstream is not fresh"),
    ),
    (0, 2, 3, 6, 70),
)


@click.command("status", cls=Verb, guide=_GUIDE)
@selection_argument
@click.option("--check", "is_check", is_flag=True, help="Exit with code 3 if anything is not fresh.")
@click.pass_obj
def command(session: Session, selection: tuple[str, ...], is_check: bool) -> int:
    """Say for each asset of SELECTION (default: all) its state, and what was last materialized."""
    states = session.project.status(*selection)
    session.remember()
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.answers import status_json

        write_json(status_json(states))
    else:
        from assetctl.cli.text.render_answers import show_status

        show_status(session.out, states)
    is_fresh = all(state.is_fresh for state in states)
    return NOT_FRESH if is_check and not is_fresh else 0
