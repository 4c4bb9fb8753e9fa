"""`assetctl plan`: what would run, and why."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from assetctl.cli.options import plan_options, selection_argument
from assetctl.cli.session import Session
from assetctl.cli.text.typed import options as option_words
from assetctl.cli.verbs import Guide, Verb
from assetctl.engine.planning.options import PlanOptions
from assetctl.lineage.deciding.reasons import Forced

if TYPE_CHECKING:
    from assetctl.lineage.deciding.plan import Plan

NOT_FRESH = 3

_GUIDE = Guide(
    (
        ("assetctl plan", "everything that is not fresh, and why"),
        ("assetctl plan model --explain", "`model` and what it needs, with every reason"),
        ("assetctl plan --check", "exit code 3 if anything is not fresh (for CI)"),
        ("assetctl plan --set features.window=14", "what another value of a parameter would rebuild"),
    ),
    (0, 2, 3, 6, 70),
)


@click.command("plan", cls=Verb, guide=_GUIDE)
@selection_argument
@plan_options
@click.option("--check", "is_check", is_flag=True, help="Exit with code 3 if anything is not fresh.")
@click.option("--explain", is_flag=True, help="Say every reason of every asset.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    metavar="N",
    help="Print at most N lines; 0: all.",
)
@click.pass_obj
def command(
    session: Session, selection: tuple[str, ...], options: PlanOptions, is_check: bool, explain: bool, limit: int
) -> int:
    """Say what `materialize` would do with SELECTION (default: everything), and why. Runs nothing.

    run: it will run. maybe: only if an upstream's content changes. restore: an earlier
    result fits. held: a check says no to its result. fresh: nothing to do.
    """
    plan = session.project.plan(*selection, options=options)
    show(session, plan, selection, options, explain=explain, limit=limit)
    return NOT_FRESH if is_check and not plan.is_fresh else 0


def show(
    session: Session,
    plan: Plan,
    selection: tuple[str, ...],
    options: PlanOptions,
    *,
    explain: bool = False,
    limit: int = 200,
) -> None:
    """Print a plan, and what to type next."""
    session.remember()
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.answers import plan_json

        write_json(plan_json(plan))
        return
    from assetctl.cli.text.render_plan import show_plan

    show_plan(session.out, plan, " ".join(selection), explain=explain or session.verbose, limit=limit)
    if plan.is_fresh:
        return
    flags = [name for name, given in (("--force", options.force), ("--only", options.only)) if given]
    again = shlex.join([*selection, *option_words("--exclude", options.exclude), *flags])
    session.say(f"next: assetctl materialize {again}".rstrip())
    changing = next((p.target for p in plan.steps if any(not isinstance(r, Forced) for r in p.reasons)), None)
    if changing is not None:
        session.say(f"why:  assetctl why {shlex.quote(changing)}")
