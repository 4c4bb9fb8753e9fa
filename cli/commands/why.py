"""`assetctl why`: why an asset is stale."""

from __future__ import annotations

import click

from assetctl.cli.options import asset_argument, settings_option
from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl why model", "its reasons, and where they began"),
        ("assetctl why model --since HEAD~3", "what differs from what was built before that commit"),
        ("assetctl why model --json", "the same for programs, diffs included"),
    )
)


@click.command("why", cls=Verb, guide=_GUIDE)
@asset_argument
@click.option("--since", metavar="POINT", help="Compare with a data version, a run, or a git commit.")
@settings_option
@click.pass_obj
def command(session: Session, asset: str, since: str | None, settings: tuple[str, ...]) -> int:
    """Say why ASSET is stale, undecided or fresh, back to the symbol, value or source that changed."""
    session.settings = settings
    explanation = session.project.why(asset, since, set=settings)
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.answers import why_json

        write_json(why_json(explanation))
        return 0
    from assetctl.cli.text.render_answers import show_explanation

    show_explanation(session.out, explanation, session.typed)
    return 0
