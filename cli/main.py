"""The entry point: hand the arguments to a verb, and turn what goes wrong into text, hints and an exit code.

Nothing is imported at the top but `sys`: answering `version`, or that there is nothing
to do, must not cost the import of a command line library.
"""

import sys

import assetctl


def look_here_last() -> None:
    """Let imports look in the current folder after everything else: a `random.py` there is not the library's.

    It is on the path of `python -m assetctl`, and where `PYTHONPATH` ends with a colon.
    """
    import os  # not at the top: see above

    try:
        here = ("", os.getcwd())  # noqa: PTH109  `pathlib` takes longer than the answer may
    except OSError:  # it is gone
        here = ("", "")
    sys.path.sort(key=lambda place: place in here)


def main(arguments: "list[str] | None" = None) -> int:
    """Run one command and return its exit code; never raises.

    Without arguments this is a program of its own, which a process of its own watches over.
    """
    try:
        return _main(sys.argv[1:], is_program=True) if arguments is None else _main(arguments, is_program=False)
    except KeyboardInterrupt:  # so early, or so late, that nothing else answers to it
        sys.stderr.write("interrupted\n")
        return 130


def _main(words: "list[str]", *, is_program: bool) -> int:
    if words in (["version"], ["--version"]):
        sys.stdout.write(f"assetctl {assetctl.__version__}\n")
        return 0
    if is_program:
        look_here_last()
    if words and words[0] in ("materialize", "build"):
        from assetctl.engine.noop.answer import answer

        remembered = answer(words)
        if remembered is not None:
            sys.stderr.write(remembered + "\n")
            return 0
    if not is_program:
        return _run(words)
    # Not at the top: see above.
    from assetctl.cli.watched import watched

    return watched(lambda: _run(words), lambda *lost: _report_lost(words, *lost))


def _run(words: "list[str]") -> int:
    from assetctl.cli.guard import run

    return run(words)


def _report_lost(words: "list[str]", how: str, place: str, code: int) -> None:
    from assetctl.cli.guard import report_lost

    report_lost(words, how, place, code)
