"""Verbs, help, and how everything that goes wrong ends: text, hint, exit code."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import assetctl
from assetctl.assets.errors import CorruptionError, EnvironmentFault, WaitTimeout
from assetctl.cli import guard
from assetctl.cli.main import look_here_last
from assetctl.cli.verbs import EXIT_CODES, SECTIONS, Verb, group
from tests.cli.calls import call
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]

VERBS = [name for verbs in SECTIONS.values() for name in verbs]


def test_help_lists_every_verb_without_importing_any():
    script = (
        "import sys; from assetctl.cli.main import main; code = main(['--help']);"
        "bad = [m for m in sys.modules if m.startswith('assetctl.cli.commands.')"
        " or m.split('.')[0] in {'duckdb', 'pyarrow', 'numpy', 'rich', 'sqlmodel'}]; sys.exit(code or len(bad))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"  {verb} " in done.stdout for verb in VERBS)


def test_the_version_is_answered_without_importing_a_command_line():
    script = (
        "import sys; before = set(sys.modules); from assetctl.cli.main import main; code = main(['version']);"
        "sys.stderr.write(' '.join(sorted(m for m in set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-S", "-c", script], capture_output=True, text=True, check=False, env={"PYTHONPATH": "."})  # fmt: skip
    assert done.stdout == f"assetctl {assetctl.__version__}\n"
    assert done.stderr.split() == ["assetctl", "assetctl.cli", "assetctl.cli.main"]


@pytest.mark.parametrize("words", [["version"], ["--version"], ["-q", "version"], ["-q", "--version"]])
def test_the_version_is_said_the_same_way_however_it_is_asked(words):
    assert call(*words).out == f"assetctl {assetctl.__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_a_verb_teaches_by_example(verb):
    said = call(verb, "--help")
    assert said.code == 0
    assert f"Usage: assetctl {verb}" in said.out
    command = group.get_command(click.Context(group), verb)
    assert isinstance(command, Verb)
    assert 2 <= len(command.guide.examples) <= 4
    assert all("assetctl " + verb in example for example, _ in command.guide.examples)
    assert set(command.guide.exit_codes) <= set(EXIT_CODES)
    assert "Exit codes:" in said.out
    assert max(map(len, said.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["plam"], "there is no command `plam`; did you mean `plan`?", "see `assetctl --help`"),
        (["plan", "--chekc"], "no such option '--chekc'. (Did you mean", "see `assetctl plan --help`"),
        (["why"], "missing argument 'ASSET'", "see `assetctl why --help`"),
        (["materialize", "-j", "0"], "invalid value for '-j'", "see `assetctl materialize --help`"),
        (["-p", "does/not/exist", "ls"], "there is no folder", "name an existing folder with `-p DIR`"),
        (["-f", "none.py", "ls"], "there is no file `none.py`", ""),
    ],
)
def test_a_wrong_call_is_exit_2_with_a_hint(words, message, hint):
    said = call(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {message}")
    assert hint in said.err


def test_without_a_verb_the_help_is_shown_and_the_code_is_2():
    said = call()
    assert said.code == 2
    assert "Usage: assetctl" in said.err


@pytest.mark.parametrize(
    ("raised", "code", "message"),
    [
        (WaitTimeout.of("lock-held", "gave up waiting"), 5, "error: gave up waiting\n"),
        (
            CorruptionError.of("blob-corrupt", "bytes differ", hint="run `assetctl doctor`"),
            4,
            "hint: run `assetctl doctor`\n",
        ),
        (EnvironmentFault.of("state-newer", "too new"), 6, "error: too new\n"),
        (OSError(errno.ENOSPC, "no space", "/blob"), 6, "error: the disk is full\n  file  /blob\n"),
        (PermissionError(errno.EACCES, "denied", "/blob"), 6, "error: permission denied\n  file  /blob\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (guard.Terminated(), 130, "interrupted\n"),
        (FileNotFoundError(errno.ENOENT, "gone"), 70, "error: this is a bug in assetctl: FileNotFoundError"),
        (ValueError("odd"), 70, "error: this is a bug in assetctl: ValueError: odd\n"),
    ],
)
def test_every_way_to_fail_has_its_exit_code(monkeypatch, raised, code, message):
    def fail(*_args):
        raise raised

    monkeypatch.setattr(Verb, "invoke", fail)
    said = call("plan")
    assert said.code == code
    assert message in said.err
    assert ("Traceback" in said.err) == (code == 70)
    if code == 70:
        assert "please report it" in said.err
        assert f"assetctl {assetctl.__version__}" in said.err


def test_sigterm_ends_with_143(monkeypatch):
    import os
    import signal

    monkeypatch.setattr(Verb, "invoke", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    assert call("plan").code == 143


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path):
    script = "import sys; from assetctl.cli.main import look_here_last, main; sys.exit(main(sys.argv[1:]))"
    running = subprocess.Popen(
        [sys.executable, "-c", script, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.close()
    assert running.stderr.read() == b""
    assert running.wait() == 0
    running.stderr.close()


def test_errors_are_json_too_when_json_is_asked_for():
    said = call("-p", "does/not/exist", "ls", "--json")
    assert said.code == 2
    assert said.json["schema"] == "assetctl.error/1"
    assert said.json["exit_code"] == 2
    assert said.json["problems"][0]["hint"] == "name an existing folder with `-p DIR`"
    assert said.err.startswith("error: ")


def test_an_error_of_a_command_that_tells_events_is_one_line_of_them(built):
    said = call("-p", built, "materialize", "no_such_asset", "--json")
    assert said.code == 2
    assert json.loads(said.out)["schema"] == "assetctl.error/1"
    assert said.out.count("\n") == 1


def test_imports_look_in_the_current_folder_last(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", "/a", str(tmp_path), "/b"])
    look_here_last()
    assert sys.path == ["/a", "/b", "", str(tmp_path)]


@pytest.mark.parametrize("words", [["plan"], ["ls"], ["status"], ["plan", "--json"]])
def test_whoever_reads_the_output_may_stop_reading(tmp_path, words):
    body = "".join(f"@asset\ndef a{n}():\n    return {n}\n" for n in range(400))
    (tmp_path / "assets.py").write_text("from assetctl import asset\n" + body)
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "assetctl", *words]
    running = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    os.close(reading)
    _, err = running.communicate(timeout=PATIENCE_S)
    assert (running.returncode, err.decode()) == (0, "")
