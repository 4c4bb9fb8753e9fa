"""`assetctl ls`: the declared assets."""

from __future__ import annotations

import sys

import click

from assetctl.cli.options import exclude_option, selection_argument
from assetctl.cli.session import Session
from assetctl.cli.text.speech import clean
from assetctl.cli.verbs import Guide, Verb

_GUIDE = Guide(
    (
        ("assetctl ls", "every name, one a line"),
        ("assetctl ls '+model,tag:tier=gold' -l", "the gold upstreams of `model`, with what they read"),
        ("assetctl ls stale", "what a plan would rebuild"),
        ("assetctl ls --json", "everything declared, with code versions"),
    )
)


@click.command("ls", cls=Verb, guide=_GUIDE)
@selection_argument
@exclude_option
@click.option("-l", "--long", "is_long", is_flag=True, help="Also kind, group, upstreams and where it is declared.")
@click.pass_obj
def command(session: Session, selection: tuple[str, ...], exclude: tuple[str, ...], is_long: bool) -> int:
    """List the assets that SELECTION means (default: all), upstreams before what reads them.

    \b
    model  +model  model+  2+model  @model   names, with upstreams and downstreams
    stg_*  raw/*                             globs
    tag:k=v  group:g  kind:k  owner:o        what a declaration says
    path:pipeline.py                         where it is declared
    stale  failed  missing                   what a plan says
    `a b` means either, `a,b` means both
    """
    project = session.project
    if session.as_json:
        from assetctl.cli.text.json_output import write_json
        from assetctl.engine.documents.declared import assets_json

        assets = project.assets(*selection, exclude=exclude)
        session.remember()
        write_json(assets_json(assets))
        return 0
    keys = project.select(selection, exclude)
    session.remember()
    if is_long:
        from assetctl.cli.text.render import headed_table, text

        graph = project.graph()
        rows = [
            (
                text(key, "bold"),
                text("source" if key in graph.sources else "asset"),
                text(
                    (graph.sources[key] if key in graph.sources else graph.steps[key].declaration.options).group or ""
                ),
                text(", ".join(graph.upstream(key))),
                text(graph.where[key], "dim"),
            )
            for key in keys
        ]
        session.out.print(headed_table(("asset", "kind", "group", "reads", "declared in"), rows))
    else:
        sys.stdout.write("".join(f"{clean(key)}\n" for key in keys))
    return 0
