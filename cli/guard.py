"""Run the command line and answer for everything that can go wrong in it.

Errors of this project's tree are the person's to fix: problems, facts, hints and a
documented exit code. Anything else that escapes is a bug of ours, and says so.
"""

from __future__ import annotations

import errno
import os
import platform
import signal
import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from types import FrameType
from typing import TextIO

import click
from click.shell_completion import shell_complete

import assetctl
from assetctl.assets.errors import AssetctlError, EnvironmentFault, Problem
from assetctl.assets.problem_codes import code_of
from assetctl.cli.exit_codes import BUG, INTERRUPTED, TERMINATED, USAGE
from assetctl.cli.text.speech import adapt_streams, problems_text
from assetctl.cli.verbs import group

_OF_THE_MACHINE = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EMFILE: "too many open files",
    errno.ENFILE: "too many open files",
    errno.EIO: "the disk reports an input/output error",
}


class Terminated(KeyboardInterrupt):
    """SIGTERM; a run is cancelled by it as by Ctrl-C."""


def run(words: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    adapt_streams()
    asked = _Asked(words)
    try:
        before = signal.signal(signal.SIGTERM, asked.terminate)
    except ValueError:
        before = None  # not the main thread: whoever runs us answers for signals
    try:
        code = _answer(words, asked)
        sys.stdout.flush()
    except BrokenPipeError:
        return _seen_enough()
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):  # that is how rich answers to it
            return _seen_enough()
        raise
    except Terminated:  # after the answer: there is nothing to interrupt any more
        return TERMINATED
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
    return TERMINATED if code == INTERRUPTED and asked.was_terminated else code


def _seen_enough() -> int:
    """End in order: whoever reads the output has seen enough. Without this the interpreter complains at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def report_lost(words: Sequence[str], how: str, place: str, code: int) -> None:
    """Report that the process of a command ended before it answered, and at which line of the project, if known."""
    adapt_streams()
    hint = 'what finished before is kept; `executor = "pool"` in `[tool.assetctl]` runs steps in processes of their own'
    _report([Problem("process-ended", how, (("at", place),) if place else (), hint)], code, _Asked(words))


class _Asked:
    """What the arguments say about how to report, and whether SIGTERM came."""

    def __init__(self, words: Sequence[str]) -> None:
        before_rest = list(words[: words.index("--")] if "--" in words else words)
        self.wants_json = "--json" in before_rest
        self.reads_lines = any(word in {"materialize", "build"} for word in before_rest)  # events, one a line
        self.verbose = any(word in {"-v", "-vv", "--verbose"} for word in before_rest)
        self.was_terminated = False

    def terminate(self, _number: int, _frame: FrameType | None) -> None:
        self.was_terminated = True
        raise Terminated


def _answer(words: Sequence[str], asked: _Asked) -> int:
    try:
        return _call(words)
    except AssetctlError as error:
        return _refuse(error, asked)
    except click.exceptions.NoArgsIsHelpError as error:
        sys.stderr.write(error.format_message() + "\n")
        return USAGE
    except click.ClickException as error:
        return _report([_usage_problem(error)], USAGE, asked)
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            return _confess(error, asked)
        problem = Problem(code_of(error), _OF_THE_MACHINE[error.errno], (("file", str(error.filename or "unknown")),))
        return _report([problem], EnvironmentFault.exit_code, asked)
    except Exception as error:  # noqa: BLE001  the last line of defence: a bug is reported as one
        return _confess(error, asked)


def _call(words: Sequence[str]) -> int:
    """Call a verb. Not by click's own `main`, which answers for errors and broken pipes itself."""
    completing = os.environ.get("_ASSETCTL_COMPLETE")
    if completing:
        return shell_complete(group, {}, "assetctl", "_ASSETCTL_COMPLETE", completing)
    try:
        with group.make_context("assetctl", list(words)) as context:
            answer = group.invoke(context)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    return answer if isinstance(answer, int) else 0


def _refuse(error: AssetctlError, asked: _Asked) -> int:
    if asked.verbose and error.__cause__ is not None:
        _print_trace(error.__cause__)
    return _report(error.problems, error.exit_code, asked)


def _report(problems: Sequence[Problem], code: int, asked: _Asked) -> int:
    problems = [_without_secrets(problem) for problem in problems]
    if asked.wants_json:
        from assetctl.cli.text.json_output import write_json, write_line
        from assetctl.engine.documents.command import error_json

        write = write_line if asked.reads_lines else write_json
        write(error_json(problems, code))
    _write(sys.stderr, problems_text(problems, is_nothing_done=code == USAGE))
    return code


def _without_secrets(problem: Problem) -> Problem:
    """Return a problem without values of environment variables whose names say that they are secret."""
    from assetctl.engine.secrets.secret_values import mask_of_environment

    masked = mask_of_environment().text
    facts = tuple((label, masked(value)) for label, value in problem.facts)
    hint = None if problem.hint is None else masked(problem.hint)
    return replace(problem, message=masked(problem.message), facts=facts, hint=hint)


def _print_trace(error: BaseException) -> None:
    from assetctl.engine.secrets.secret_values import mask_of_environment

    _write(sys.stderr, mask_of_environment().text("".join(traceback.format_exception(error))))


def _without_values(words: Sequence[str]) -> list[str]:
    """Return arguments without what `--set` gives: it may be a secret."""
    shown: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        target, equals, _ = word.removeprefix("--set=").partition("=")
        is_given = bool(equals) and (before == "--set" or word.startswith("--set="))
        shown.append(word[: word.index(target) + len(target)] + "=***" if is_given else word)
    return shown


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


def _usage_problem(error: click.ClickException) -> Problem:
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "assetctl"
    return Problem("wrong-usage", message[:1].lower() + message[1:], hint=f"see `{path} --help`")


def _confess(error: Exception, asked: _Asked) -> int:
    _print_trace(error)
    where = f"assetctl {assetctl.__version__}, Python {platform.python_version()}, {platform.platform()}"
    problem = Problem(
        "bug",
        f"this is a bug in assetctl: {type(error).__name__}: {error}",
        (("versions", where), ("command", " ".join(["assetctl", *_without_values(sys.argv[1:])]))),
        "please report it with the traceback above; what was recorded before stays as it was",
    )
    return _report([problem], BUG, asked)
