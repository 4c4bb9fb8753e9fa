"""`assetctl show`: everything about one asset."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from assetctl.cli.options import version_argument
from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl show features", "declaration, latest version, columns, first rows"),
        ("assetctl show features@3f9a12cd", "an earlier version"),
        ("assetctl show features@candidate", "what a blocking check held back"),
        ("assetctl show model --json", "the same for programs"),
    ),
    (0, 2, 4, 6, 70),
)


@click.command("show", cls=Verb, guide=_GUIDE)
@version_argument
@click.pass_obj
def command(session: Session, asset: str) -> int:
    """Show ASSET: where it is declared, what made it, its columns, metrics, checks and first rows."""
    shown = session.project.show(asset)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.answers import show_json

        write_json(show_json(shown))
        return 0
    from assetctl.cli.text.render import facts_table, heading
    from assetctl.cli.text.render_shown import declared_facts, form_facts, recorded_facts, show_preview

    heading(session.out, shown.asset, "" if shown.declared else "no longer declared")
    facts: list[tuple[str, Any]] = [*declared_facts(shown), *recorded_facts(shown), *form_facts(shown)]
    session.out.print(facts_table((Text(f"  {label}").plain, value) for label, value in facts))
    show_preview(session.out, shown)
    return 0
