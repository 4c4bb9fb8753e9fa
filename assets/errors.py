"""The errors a person can meet, grouped by what they would do about them.

    AssetctlError
    ├─ DeclarationError    exit 2   fix your code
    ├─ SelectionError      exit 2   fix the command line
    ├─ ProjectError        exit 2   this folder is not a project, or its settings are wrong
    ├─ AssetFailed         exit 1   your function, or a blocking check, failed
    ├─ CorruptionError     exit 4   stored bytes are not what was recorded
    ├─ WaitTimeout         exit 5   gave up waiting for another process
    └─ EnvironmentFault    exit 6   the disk, a service or a newer store refused

A stale asset, a failed step or an unchanged output is a result or an event, never
an exception. An exception outside this tree is a bug in assetctl.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from assetctl.assets.problem_codes import ProblemCode


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what happened, to which thing, where, and what to do.

    `code` names the kind of problem and is what programs compare; `message` is for people,
    and its words may change. `facts` are (label, value) lines shown below the message;
    `hint` says what to type or change next.
    """

    code: ProblemCode
    message: str
    facts: tuple[tuple[str, str], ...] = ()
    hint: str | None = None


class AssetctlError(Exception):
    """Base of every error that is the person's to fix; carries one or more problems."""

    exit_code: ClassVar[int] = 70

    def __init__(self, *problems: Problem) -> None:
        super().__init__(*problems)
        self.problems = problems

    @classmethod
    def of(cls, code: ProblemCode, message: str, *facts: tuple[str, str], hint: str | None = None) -> AssetctlError:
        """Build an error of one problem."""
        return cls(Problem(code, message, facts, hint))

    def __str__(self) -> str:
        return "\n".join(problem.message for problem in self.problems)


class DeclarationError(AssetctlError):
    """The declarations cannot work as written; nothing was executed."""

    exit_code = 2


class SelectionError(AssetctlError):
    """The command line names something that does not exist or cannot be parsed."""

    exit_code = 2


class ProjectError(AssetctlError):
    """There is no project here, or its settings cannot be read."""

    exit_code = 2


class AssetFailed(AssetctlError):
    """A person's function raised, or a blocking check failed."""

    exit_code = 1


class CorruptionError(AssetctlError):
    """Stored bytes differ from what was recorded about them."""

    exit_code = 4


class WaitTimeout(AssetctlError):
    """Another process held what this one needs for too long."""

    exit_code = 5


class EnvironmentFault(AssetctlError):
    """The machine or a service refused: a full or read-only disk, permissions, a store of a newer release."""

    exit_code = 6
