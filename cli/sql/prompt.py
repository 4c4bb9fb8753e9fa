"""The prompt of `assetctl sql`: a statement ends with `;`, and a mistake does not end the session.

Nothing is held open between statements: each opens the lineage database for itself, so a
run in another terminal never waits for an idle prompt.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assetctl.assets.errors import AssetctlError
from assetctl.cli.session import Session
from assetctl.cli.text.speech import problems_text
from assetctl.engine.answers.sql import TABLES_QUERY, split_statements

_FIRST, _NEXT = "sql> ", "...> "
_MOST_REMEMBERED = 1000
_DOTTED_ENDS, _PLAIN_ENDS = {".quit", ".exit", "\\q"}, {"quit", "exit"}
_HELP = """statements end with `;`, and only read
.tables          list assets that are tables, and the tables of lineage
.schema NAME     the columns of a table
.help            this
.quit            leave, as Ctrl-D does; Ctrl-C drops the line or stops a query
"""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Reads lines and answers statements. `answer` prints the rows of one statement; `read` returns a line."""

    session: Session
    answer: Callable[[str], None]
    read: Callable[[str], str] = input

    def run(self) -> None:
        """Run until the person leaves."""
        self.session.say("SQL on assets and lineage; statements end with `;`, `.help` shows the rest")
        typed = ""
        while True:
            try:
                line = self.read(_NEXT if typed else _FIRST)
            except EOFError:
                self.session.say("")
                return
            except KeyboardInterrupt as interrupted:
                _leave_if_told(interrupted)
                self.session.say("")
                typed = ""
                continue
            word = line.strip().rstrip("; ").lower()
            if word in _DOTTED_ENDS or (not typed and word in _PLAIN_ENDS):
                return
            if not typed and line.strip().startswith("."):
                self._attempt(lambda line=line: self._command(line))  # type: ignore[misc]
                continue
            statements, typed = split_statements(f"{typed}{line}\n")
            for statement in statements:
                self._attempt(lambda statement=statement: self.answer(statement))  # type: ignore[misc]

    def _command(self, line: str) -> None:
        match line.split():
            case [".help"]:
                self.session.say(_HELP.rstrip())
            case [".tables"]:
                self.answer(TABLES_QUERY)
            case [".schema", name]:
                is_plain = name.startswith(("lineage.", '"'))
                self.answer(f"DESCRIBE SELECT * FROM {name.rstrip(';') if is_plain else _quoted(name.rstrip(';'))}")
            case [".schema"]:
                self.session.say("write `.schema NAME`; `.tables` lists the names")
            case _:
                self.session.say(f"there is no `{line.split(maxsplit=1)[0]}`; `.help` lists what there is")

    def _attempt(self, action: Callable[[], None]) -> None:
        try:
            action()
        except AssetctlError as error:
            self.session.say(problems_text(error.problems).rstrip())
        except KeyboardInterrupt as interrupted:
            _leave_if_told(interrupted)
            self.session.say("interrupted")
        self.session.say_warnings()


def remember_lines(history: Path) -> Callable[[], None]:
    """Load the lines typed in earlier sessions; the function returned saves them, where the project has a cache folder."""
    try:
        import readline
    except ImportError:
        return lambda: None
    with suppress(OSError):
        readline.read_history_file(history)
    readline.set_history_length(_MOST_REMEMBERED)

    def keep() -> None:
        with suppress(OSError):
            if history.parent.parent.is_dir():  # looking at a project that has no state makes none
                history.parent.mkdir(0o700, exist_ok=True)
                readline.write_history_file(history)

    return keep


def _leave_if_told(interrupted: KeyboardInterrupt) -> None:
    if type(interrupted) is not KeyboardInterrupt:
        raise interrupted  # the system asked us to end


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
