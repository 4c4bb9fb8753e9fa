"""`assetctl sql`: ask assets and their lineage."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import click

from assetctl.assets.errors import Problem, SelectionError
from assetctl.cli.session import Session
from assetctl.cli.text.speech import count
from assetctl.cli.verbs import Guide, Verb
from assetctl.engine.answers.rows import BINARY, FORMATS, SUFFIXES, first_rows, write_rows

if TYPE_CHECKING:
    from assetctl.engine.answers.sql import Answer

_SHOWN_ROWS = 200
_GUIDE = Guide(
    (
        ("assetctl sql 'select * from features limit 5'", "a table asset is a view of its own name"),
        ("assetctl sql 'from lineage.assets'", 'what is stored; `"features@9f3a1c"` is an earlier version'),
        ("assetctl sql 'from features' -o features.csv", "to a file: csv, json, parquet or arrow by its name"),
        ("assetctl sql", "a prompt; statements end with `;`"),
    ),
    (0, 2, 4, 5, 6, 70, 130),
)


@click.command("sql", cls=Verb, guide=_GUIDE)
@click.argument("query", required=False)
@click.option("--format", "form", type=click.Choice(FORMATS), help="How to write rows (default: by FILE's name, else a table).")  # fmt: skip
@click.option("-o", "--output", "target", metavar="FILE", help="Write the rows to FILE.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@click.option("--read", "read", multiple=True, metavar="FOLDER", help="Let the query read the files of FOLDER too.")
@click.option("--team", is_flag=True, help="Ask the team's lineage store, in PostgreSQL's SQL.")
@click.pass_obj
def command(
    session: Session,
    query: str | None,
    form: str | None,
    target: str | None,
    *,
    force: bool,
    read: tuple[str, ...],
    team: bool,
) -> int:
    """Answer QUERY (DuckDB SQL; a file that ends in `.sql`; `-` reads it from stdin; none asks for it).

    A table asset is a view: `features`, `"features@VERSION"`, `"clean/shuttles"`. Tables
    `lineage.assets`, `lineage.materializations`, `lineage.runs` and more hold what was
    recorded. A query only reads: assets, what was recorded, and files of the project that it
    names, as in `from 'other.csv'`.
    """
    asked = Asked(session, read, team)
    form = "json" if session.as_json else form
    if query is None and sys.stdin.isatty() and target is None:
        return _converse(session, form or "table", asked)
    chosen = _format(form, target)
    if target is not None and not force and Path(target).exists():
        raise SelectionError(
            Problem("file-exists", f"`{target}` is there already", hint="name another, or replace it with --force")
        )
    with asked.answer(_text(query)) as answer:
        if target is not None:
            _write_file(answer, chosen, Path(target))
        else:
            _print(session, answer, chosen)
    return 0


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked: the project, which may read the files of some folders too, or the team's store."""

    session: Session
    read: tuple[str, ...]
    team: bool

    def answer(self, query: str) -> AbstractContextManager[Answer]:
        project = self.session.project
        return project.ask_team(query) if self.team else project.ask(query, read=self.read)


def _converse(session: Session, form: str, asked: Asked) -> int:
    from assetctl.cli.sql.prompt import Prompt, remember_lines

    def answer(statement: str) -> None:
        with asked.answer(statement) as rows:
            _print(session, rows, form)

    _format(form, None)
    keep = remember_lines(session.project.sql_history)
    try:
        Prompt(session, answer).run()
    finally:
        keep()
    return 0


def _text(query: str | None) -> str:
    if query is None or query == "-":
        return sys.stdin.read()
    if query.endswith(".sql") and len(query.split()) == 1:
        try:
            return Path(query).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(f"`{query}` cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return query


def _format(form: str | None, target: str | None) -> str:
    if target is None:
        if form in BINARY and sys.stdout.isatty():
            raise click.UsageError(f"{form} is not for a terminal; name a file with `-o FILE`")
        return form or "table"
    chosen = form or SUFFIXES.get(Path(target).suffix.lower())
    if chosen == "table":
        raise click.UsageError("a table is to be looked at; choose another format for a file")
    if chosen is None:
        raise click.UsageError(f"what `{target}` should hold cannot be told from its name; choose with `--format`")
    return chosen


def _write_file(answer: Answer, form: str, target: Path) -> None:
    """Write the rows beside the file, which is replaced once all of them are written."""
    from assetctl.engine.answers.sql import file_for_rows

    with file_for_rows(target) as sink:
        write_rows(answer, form, sink, is_file=True)


def _print(session: Session, answer: Answer, form: str) -> None:
    if form == "table" and answer.schema.names == ["explain_key", "explain_value"]:
        session.out.print("\n".join(answer.table().column(1).to_pylist()))
        return
    if form == "table":
        from assetctl.cli.text.render_table import show_table

        table, n_rows = first_rows(answer, _SHOWN_ROWS)
        show_table(session.out, table, _SHOWN_ROWS)
        _say_shown(session, n_rows)
        return
    sys.stdout.flush()
    sink = cast("BinaryIO", sys.stdout.buffer)
    write_rows(answer, form, sink, is_file=False)
    sink.flush()


def _say_shown(session: Session, n_rows: int) -> None:
    if n_rows > _SHOWN_ROWS:
        session.say(f"{_SHOWN_ROWS} of {count(n_rows, 'row')}; `--format csv` prints all of them")
