"""`assetctl materialize`: bring assets up to date."""

from __future__ import annotations

import click

from assetctl.cli.commands import plan as plan_command
from assetctl.cli.options import plan_options, selection_argument
from assetctl.cli.session import Session
from assetctl.cli.verbs import Guide, Verb
from assetctl.engine.isolation.randomness import note_entropy
from assetctl.engine.planning.options import PlanOptions

_GUIDE = Guide(
    (
        ("assetctl materialize", "bring everything up to date"),
        ("assetctl materialize model", "`model`, and what it needs"),
        ("assetctl materialize stale --exclude report", "what is stale, but not `report`"),
        ("assetctl materialize model --force --set model.depth=6", "run it again, with another parameter"),
    ),
    (0, 1, 2, 4, 5, 6, 70, 130),
)


@click.command("materialize", cls=Verb, guide=_GUIDE)
@selection_argument
@plan_options
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Run at most N steps at once (default: one per core)."
)
@click.option("--dry-run", is_flag=True, help="Print the plan, and run nothing.")
@click.pass_obj
def command(session: Session, selection: tuple[str, ...], options: PlanOptions, jobs: int | None, dry_run: bool) -> int:
    """Bring SELECTION (default: everything) and what it needs up to date, doing the least work that is enough.

    Only what is stale runs; an asset whose upstreams came out identical is kept. A failed
    asset stops only what reads it, and running the same command again resumes.
    """
    note_entropy()
    if dry_run:
        plan_command.show(session, session.project.plan(*selection, options=options), selection, options)
        return 0
    project = session.project
    if session.as_json:
        from assetctl.cli.text.progress import JsonReporter

        reporter = JsonReporter(session.typed)
        return project.materialize(*selection, options=options, jobs=jobs, on_event=reporter).exit_code
    from assetctl.cli.text.progress import reporter_for

    lines = reporter_for(session.err, project.graph().where, quiet=session.quiet, typed=session.typed)
    try:
        began = session.beginning(selection)
        return project.materialize(*selection, options=options, jobs=jobs, on_event=lines, began=began).exit_code
    finally:
        lines.close()
        session.remember()
