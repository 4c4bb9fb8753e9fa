"""Split typed SQL at its semicolons: those in strings, names and comments do not count."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""'(?:[^']|'')*'          # a string
      | "(?:[^"]|"")*"          # a name
      | --[^\n]*(?:\n|$)        # a comment to the end of the line
      | /\*.*?\*/               # a comment
      | \$(\w*)\$.*?\$\1\$      # a string between dollars
      | (?P<open>['"]|/\*|\$\w*\$)   # one of these that is not closed yet
      | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)


def split_statements(text: str) -> tuple[list[str], str]:
    """Return the finished statements of a text without their semicolons, and the rest that is not finished."""
    statements: list[str] = []
    start = 0
    for token in _TOKEN.finditer(text):
        if token["open"]:
            break
        if token["end"]:
            statement = text[start : token.start()].strip()
            if statement:
                statements.append(statement)
            start = token.end()
    return statements, text[start:].lstrip()
