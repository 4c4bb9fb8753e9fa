"""What one command works with: the shared options, the project, and where to speak.

Results go to stdout, speech to stderr. Nothing heavy is imported until a command asks
for a project or a console.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO, cast

from assetctl.cli.text.speech import TrimmedStream, clean
from assetctl.cli.text.typed import Typed, options
from assetctl.engine.noop.answer import surroundings

if TYPE_CHECKING:
    from rich.console import Console

    from assetctl.engine.noop.remember import Beginning
    from assetctl.engine.project import Project

_LEAST_WIDTH, _WIDTH_OF_A_PIPE = 40, 100


@dataclass
class Session:
    """One call of one command."""

    project_path: str | None = None
    file: str | None = None
    color: str = "auto"
    quiet: bool = False
    verbose: bool = False
    as_json: bool = False
    verbs: frozenset[str] = frozenset()
    settings: tuple[str, ...] = ()
    began_ns: int = field(default_factory=time.time_ns)
    surroundings: str = field(default_factory=surroundings)
    _opened: list[Project] = field(default_factory=list)
    _said: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, given: Mapping[str, Any], *, as_json: bool, verbs: frozenset[str]) -> Session:
        """Make the session from the values of the shared options; `verbs` are those that a hint may name."""
        return cls(
            project_path=given["project"],
            file=given["file"],
            color=given["color"] or "auto",
            quiet=bool(given["quiet"]),
            verbose=bool(given["verbose"]),
            as_json=as_json,
            verbs=verbs,
        )

    @property
    def typed(self) -> Typed:
        """What completes the commands of a hint with the options that were given to this one."""
        files = (("-p", self.project_path), ("-f", self.file))
        project = [word for name, value in files if value for word in (name, value)]
        return Typed(self.verbs, project, options("--set", self.settings))

    @cached_property
    def project(self) -> Project:
        """The project here or where `-p`/`-f` say.

        Raises:
            ProjectError: there is none, or its settings cannot be read.
        """
        from assetctl.engine.project import Project

        opened = Project.open(self.project_path or ".", file=self.file)
        self._opened.append(opened)
        return opened

    def beginning(self, words: tuple[str, ...]) -> Beginning | None:
        """Return how this command began, if it had these arguments and no shared option; else None."""
        if any((self.project_path, self.file, self.quiet, self.verbose, self.as_json, self.color != "auto")):
            return None
        from assetctl.engine.noop.remember import Beginning

        return Beginning(self.began_ns, self.surroundings, words)

    @cached_property
    def out(self) -> Console:
        """The console for results."""
        return self._console(is_error=False)

    @cached_property
    def err(self) -> Console:
        """The console for speech."""
        return self._console(is_error=True)

    def say(self, text: str) -> None:
        """Write one line of speech, unless asked to be quiet."""
        if not self.quiet:
            sys.stderr.write(clean(self.typed(text)) + "\n")

    def warn(self, text: str, hint: str | None = None) -> None:
        """Write a warning; it is no result, and it is never left out."""
        sys.stderr.write(f"warning: {clean(text)}\n")
        if hint:
            sys.stderr.write(f"hint: {clean(self.typed(hint))}\n")

    def remember(self) -> None:
        """Keep the asset names for later completions."""
        self.project.remember_names()

    def say_warnings(self) -> None:
        """Say what the project found worth a warning, each once."""
        for project in self._opened:
            for warning in dict.fromkeys(project.warnings):
                if warning not in self._said:
                    self._said.add(warning)
                    self.warn(warning)

    def close(self) -> None:
        """Say what is left to say."""
        self.say_warnings()

    def _console(self, *, is_error: bool) -> Console:
        from rich.console import Console

        stream = sys.stderr if is_error else sys.stdout
        file = stream if stream.isatty() else cast("TextIO", TrimmedStream(stream))
        colored = {"always": True, "never": False}.get(self.color)
        is_plain = colored is False or (colored is None and bool(os.environ.get("NO_COLOR")))
        return Console(
            file=file,
            force_terminal=True if colored else None,
            no_color=is_plain,
            color_system=None if is_plain else "auto",
            width=_width(stream),
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=False,
        )


def _width(stream: TextIO) -> int:
    """Return the columns to write in: COLUMNS, else the terminal's, else a fixed number for a pipe."""
    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given) > 0:
        return max(int(given), _LEAST_WIDTH)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, _LEAST_WIDTH)
    except (OSError, ValueError):  # no terminal, or no file at all
        return _WIDTH_OF_A_PIPE
