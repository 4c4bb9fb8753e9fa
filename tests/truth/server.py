"""Commands of assetctl in fresh processes that cost a fork: each is a child of one that has imported everything once.

Started as a program, it reads one JSON line for each task and answers with one. A child begins as
`python -m assetctl` would in the project's folder: its own environment, path and arguments, and none of the
project's modules. What is shared is what libraries do at their import, and the seed of hashes; so there are two
servers with different seeds.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE_S = 1200  # for an answer; only a machine that does much else comes near
ROOT = Path(__file__).resolve().parents[2]
_LIBRARIES = [
    "numpy",
    "pandas",
    "polars",
    "duckdb",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "sklearn.linear_model",
    "sklearn.preprocessing",
    "pydantic_settings",
    "yaml",
    "cloudpickle",
    "matplotlib",
    "sqlite3",
]
_OPTIONAL = ("labelled_arrays", "torch_values", "postgres", "team", "s3", "gcs")


@dataclass(frozen=True)
class Said:
    """What one process answered: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]


class Server:
    """A process that has imported assetctl and the libraries, and forks for each command."""

    def __init__(self, hash_seed: int, *, has_libraries: bool = True) -> None:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(hash_seed)}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), *(_LIBRARIES if has_libraries else [])],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._asking = threading.Lock()
        self._codes: dict[str, queue.Queue[int]] = {}
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def ask(self, folder: Path, *words: str, env: Mapping[str, str] | None = None) -> Said:
        """Run `assetctl WORDS` in a folder; `values`, `clean`, `plain` and `upstream` are tasks of the campaign."""
        assert self._process.stdin is not None
        out = folder.parent / f"{folder.name}.out"
        task = {"folder": str(folder), "words": words, "env": environment_of(env), "out": str(out)}
        code = self._codes[str(out)] = queue.Queue()
        with self._asking:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
        return Said(code.get(timeout=PATIENCE_S), out.read_text(), out.with_suffix(".err").read_text())

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            code, _, out = line.rstrip("\n").partition(" ")
            self._codes.pop(out).put(int(code))

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._reading.join()
        self._process.stdout.close()


def environment_of(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment that every command of the campaign has."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "HOME": "/tmp", **(extra or {})}


def serve() -> None:
    """Answer tasks until the input ends, as many at once as are asked for."""
    _import_all()
    answers = os.dup(1)  # nothing else may write there
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    for line in sys.stdin:
        if os.fork() == 0:
            _answer_for(json.loads(line), answers)
            os._exit(0)


def _answer_for(task: dict[str, Any], answers: int) -> None:
    """Perform a task in a child of this process, and say how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        os.close(answers)
        os._exit(_perform(task))
    _, status = os.waitpid(child, 0)
    os.write(answers, f"{os.waitstatus_to_exitcode(status)} {task['out']}\n".encode())


def _import_all() -> None:
    for folder in ("assets", "lineage", "storage", "engine", "cli"):
        package = importlib.import_module(f"assetctl.{folder}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not any(part in module.name for part in _OPTIONAL):
                importlib.import_module(module.name)
    for name in ["tests.truth.oracle", *sys.argv[1:]]:
        importlib.import_module(name)
    # An edit is made tens of milliseconds after the command before it, which clocks of file systems tell apart.
    importlib.import_module("assetctl.engine.noop.remember")._RACY_NS = 0  # type: ignore[attr-defined]


def _perform(task: dict[str, Any]) -> int:
    for number, name in ((1, task["out"]), (2, str(Path(task["out"]).with_suffix(".err")))):
        os.dup2(os.open(name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(task["env"])
    os.chdir(task["folder"])
    sys.path[0] = task["folder"]
    sys.argv = ["assetctl", *task["words"]]
    code = 70
    try:
        code = _answer(task["words"])
    except BaseException:  # noqa: BLE001  the campaign prints it
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _answer(words: list[str]) -> int:
    from assetctl.cli.main import main
    from tests.truth import oracle

    tasks = {"values": oracle.values, "clean": oracle.clean, "plain": oracle.plain, "upstream": oracle.upstream}
    if words[0] not in tasks:
        return main()
    print(json.dumps(tasks[words[0]]()))
    return 0


if __name__ == "__main__":
    serve()
