"""A command cannot end without a word: a process of its own watches over it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]
HEADER = """
import ctypes, os, signal, sys, threading, time
from pathlib import Path
from assetctl.cli import watched as module
module._SAY_AFTER_S, module._LINGER_S = 0.1, 0.3
"""
FOOTER = "\nsys.exit(module.watched(command, lambda *lost: print(*lost, sep='|', flush=True)))\n"


def start(folder: Path, command: str, setting: str = "") -> subprocess.Popen[str]:
    body = f"def command():\n    {command}\n"
    (folder / "program.py").write_text(HEADER + setting + body + FOOTER)
    return subprocess.Popen(
        [sys.executable, "program.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


ENDED = "the process of this command ended by itself"
KILLED = "the process of this command was killed by"


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("return 3", 3, ""),
        ("sys.exit(4)", 4, None),
        ("os._exit(0)", 1, f"{ENDED}, with exit code 0||1"),
        ("ctypes.CDLL(None).exit(0)", 1, f"{ENDED}, with exit code 0||1"),
        ("ctypes.CDLL(None)._exit(5)", 1, f"{ENDED}, with exit code 5||1"),
        ("os.execv('/bin/true', ['true'])", 1, f"{ENDED}, with exit code 0||1"),
        ("os.kill(os.getpid(), 9)", -9, f"{KILLED} SIGKILL (the machine may have run out of memory)||137"),
        ("ctypes.string_at(0)", -11, f"{KILLED} SIGSEGV|program.py:7|139"),
        ("os.abort()", -6, f"{KILLED} SIGABRT|program.py:7|134"),
        ("signal.signal(1, signal.SIG_DFL); os.kill(os.getpid(), 1)", -1, f"{KILLED} SIGHUP||129"),
    ],
)
def test_an_end_without_an_answer_is_told_and_is_no_success(tmp_path, command, status, said):
    process = start(tmp_path, command)
    out, err = process.communicate(timeout=PATIENCE_S)
    if said is None:  # it leaves by an exception, which is no way of this tool
        assert (process.returncode, out.partition("|")[0]) == (1, f"{ENDED}, with exit code 4")
    else:
        assert (process.returncode, out.strip(), err) == (status, said, "")


def test_what_was_under_way_is_named(tmp_path):
    inside = "from assetctl.engine.isolation.under_way import under_way\n"
    command = "with under_way('`ä` ran'):\n        with under_way('x'): pass\n        os._exit(0)"
    process = start(tmp_path, command, inside)
    assert process.communicate(timeout=PATIENCE_S)[0] == f"{ENDED} while `ä` ran, with exit code 0||1\n"


COUNT = """got = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: got.append(1))
    Path('ready').touch()
    while not Path('stop').exists():
        time.sleep(0.01)
    return len(got)"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_group", [False, True])
def test_a_signal_arrives_once_whether_one_process_was_sent_it_or_the_group(tmp_path, number, to_group):
    process = start(tmp_path, COUNT)
    wait_until((tmp_path / "ready").exists, "the command runs")
    (os.killpg if to_group else os.kill)(process.pid, number)
    with pytest.raises(subprocess.TimeoutExpired):  # one that is passed on arrives a moment later
        process.wait(0.3)
    (tmp_path / "stop").touch()
    assert (process.communicate(timeout=PATIENCE_S), process.returncode) == (("", ""), 1)


@pytest.mark.parametrize(
    ("number", "status", "said"), [(signal.SIGTERM, 143, ""), (signal.SIGINT, 130, "interrupted\n")]
)
def test_before_the_command_can_answer_a_signal_ends_it_in_order(tmp_path, number, status, said):
    process = start(tmp_path, "Path('ready').touch(); time.sleep(600)")
    wait_until((tmp_path / "ready").exists, "the command runs")
    process.send_signal(number)
    assert (process.communicate(timeout=PATIENCE_S), process.returncode) == (("", said), status)


def test_the_command_dies_with_the_process_that_watches_it(tmp_path):
    process = start(tmp_path, "Path('child').write_text(str(os.getpid())); time.sleep(600)")
    wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text(), "the command runs")
    process.kill()
    child = Path("/proc", (tmp_path / "child").read_text(), "cmdline")
    process.communicate(timeout=PATIENCE_S)
    wait_until(lambda: not child.exists() or child.read_bytes() == b"", "the command is gone")


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (
            "threading.Thread(target=time.sleep, args=[600], name='poll').start()",
            "threads of the project's code: `poll`",
        ),
        ("__import__('atexit').register(time.sleep, 600)", "what the project's code does at exit"),
        ("ctypes.CDLL(None).prctl(15, b'x')", ""),
    ],
)
def test_what_code_left_running_is_named_and_does_not_keep_the_command_from_ending(tmp_path, left, said):
    process = start(tmp_path, f"{left}; return 3")
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (3, "")
    assert err.strip() == (f"waiting up to 0 s for {said}" if said else "")
