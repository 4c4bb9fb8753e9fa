"""Commands in hints, as the person has to type them: with the options that they gave themselves.

A hint is written where its meaning is known, as `assetctl why model`. Which project and
which file it is about, and what `--set` changed, only the command line knows.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from assetctl.assets.errors import Problem

Words = Callable[[str], str]

_ABOUT_NO_PROJECT = frozenset(("init", "completion", "version"))
_TAKE_SETTINGS = frozenset(("plan", "materialize", "why"))
_COMMAND = re.compile(r"(?<![\w./-])assetctl ([a-z]+)\b(?![\w-])(?! --help)")


@dataclass(frozen=True, slots=True)
class Typed:
    """Adds options to each command in a text: those that say which project to all, `--set` to verbs that take it."""

    verbs: frozenset[str]
    project: Sequence[str] = ()
    settings: Sequence[str] = ()

    def __call__(self, text: str) -> str:
        """Return a text with its commands completed."""
        return _COMMAND.sub(self._complete, text) if self.project or self.settings else text

    def problem(self, problem: Problem) -> Problem:
        """Return a problem with the commands of its message and its hint completed."""
        hint = None if problem.hint is None else self(problem.hint)
        return replace(problem, message=self(problem.message), hint=hint)

    def _complete(self, match: re.Match[str]) -> str:
        verb = match[1]
        if verb not in self.verbs or verb in _ABOUT_NO_PROJECT:
            return match[0]
        settings = self.settings if verb in _TAKE_SETTINGS else ()
        return shlex.join(["assetctl", *self.project, verb, *settings])


def options(name: str, values: Sequence[str]) -> list[str]:
    """Return an option once for each value."""
    return [word for value in values for word in (name, value)]
