"""A TOML table while it is read: it hands out values, and notes what is wrong with each.

Reading goes on after a mistake, with the default in place of the value, so that all
mistakes of a file can be reported at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from assetctl.assets.errors import Problem
from assetctl.assets.hints import did_you_mean
from assetctl.assets.problem_codes import ProblemCode

_MAY_BE_SECRET = ("lineage", "name")
"""Settings of which a wrong value is not repeated: an address may hold a password."""


class Table:
    """The settings of one table of a file; those of an inner table are called `outer.name`."""

    def __init__(self, values: dict[str, Any], file: Path) -> None:
        self.values = values
        self.file = file
        self.problems: list[Problem] = []
        self._prefix = ""

    def inner(self, name: str, what: str, hint: str) -> Table:
        """Return a table in this one; what is wrong with it is noted here."""
        table = Table(self.take(name, what, is_table, {}, hint), self.file)
        table.problems = self.problems
        table._prefix = f"{name}."
        return table

    def refuse_others(self, where: str, known: Sequence[str], hint: str) -> None:
        """Note every setting that is not one of `known`."""
        for name in self.values:
            if name not in known:
                meant = did_you_mean(name, known) or hint
                settings = ("settings", ", ".join(known))
                self.wrong(f"{where} has no setting `{name}`", meant, settings, code="unknown-setting")

    def take(
        self, name: str, what: str, is_right: Callable[[Any], bool], default: Any = None, hint: str | None = None
    ) -> Any:
        """Return the value of a setting; if it is wrong, note that it is not `what` it should be."""
        if name not in self.values:
            return default
        if is_right(self.values[name]):
            return self.values[name]
        self.wrong(f"{self.shown(name)} is not {what}", hint)
        return default

    def choose(self, name: str, choices: Sequence[str], default: str) -> str:
        """Return the value of a setting that is one of a few words."""
        value = self.values.get(name, default)
        if isinstance(value, str) and value in choices:
            return value
        meant = did_you_mean(value, choices) if isinstance(value, str) else None
        self.wrong(f"{self.shown(name)} is not one of {quoted(choices)}", meant)
        return default

    def shown(self, name: str) -> str:
        """Return a setting as a message shows it, with its value if that is short and not secret."""
        value = self.values[name]
        is_short = isinstance(value, str | int | float) and name not in _MAY_BE_SECRET
        return f"`{self._prefix}{name} = {value!r}`" if is_short else f"`{self._prefix}{name}`"

    def wrong(
        self, message: str, hint: str | None = None, *facts: tuple[str, str], code: ProblemCode = "bad-setting"
    ) -> None:
        """Note a mistake."""
        self.problems.append(Problem(code, message, (("in", str(self.file)), *facts), hint))


def quoted(choices: Iterable[str]) -> str:
    """Return words as TOML writes them: `"off", "read-only"`."""
    return ", ".join(f'"{choice}"' for choice in choices)


def is_table(value: object) -> bool:
    return isinstance(value, dict)


def is_text(value: object) -> bool:
    """Say whether a value is text that says something."""
    return isinstance(value, str) and bool(value.strip())


def is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def is_count(value: object) -> bool:
    return type(value) is int and value >= 1


def is_flag(value: object) -> bool:
    return isinstance(value, bool)
