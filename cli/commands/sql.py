"""`assetctl sql`: ask assets and their lineage."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from assetctl.cli.session import Session
from assetctl.cli.speech import count
from assetctl.cli.verbs import Guide, Verb

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN_ROWS = 200
_GUIDE = Guide(
    (
        ("assetctl sql 'select * from features limit 5'", "a table asset is a view of its own name"),
        ("assetctl sql 'select asset, n_rows from lineage.assets'", "what is stored"),
        ("assetctl sql --format csv 'from metrics' > metrics.csv", "csv, or json as a list of rows"),
    )
)


@click.command("sql", cls=Verb, guide=_GUIDE)
@click.argument("query")
@click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True, help="How to print rows.")  # fmt: skip
@click.pass_obj
def command(session: Session, query: str, form: str) -> int:
    """Answer QUERY (DuckDB SQL; `-` reads it from stdin).

    Tables `lineage.assets`, `lineage.materializations`, `lineage.inputs`, `lineage.runs`,
    `lineage.steps`, `lineage.checks`, `lineage.metrics` and more hold what was recorded.
    """
    table = session.project.sql(sys.stdin.read() if query == "-" else query)
    match "json" if session.as_json else form:
        case "json":
            from assetctl.cli.jsonout import plain

            sys.stdout.write(json.dumps(plain(table.to_pylist()), indent=2) + "\n")
        case "csv":
            import pyarrow.csv

            sys.stdout.flush()
            pyarrow.csv.write_csv(table, sys.stdout.buffer)
        case _:
            _print(session, table)
    return 0


def _print(session: Session, table: pa.Table) -> None:
    from assetctl.cli.render_table import show_table

    show_table(session.out, table, _SHOWN_ROWS)
    if table.num_rows > _SHOWN_ROWS:
        session.say(f"{_SHOWN_ROWS} of {count(table.num_rows, 'row')}; `--format csv` prints all of them")
