"""Projects on a real disk, written fluently and driven through the real command line.

Every asset function first appends its name to `ran.log` in the project folder, so that
the oracle of a test is what really ran, whichever process ran it. `run` starts
`python -m assetctl` in the project folder; `open` gives the same project in this process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assetctl.assets.importing import forget_modules
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.project import Project
from tests.assets.errors_page import EXIT_CODES
from tests.cli.calls import call
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]

_LOG = """
from pathlib import Path

HERE = Path(__file__).parent


def ran(name):
    with open(HERE / "ran.log", "a") as log:
        log.write(name + "\\n")
"""


@dataclass(frozen=True)
class Answer:
    """What one command gave: exit code, results, speech."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The last JSON document on stdout: the whole of it, or its last line where there is one a line."""
        return json.loads(self.out if self.out.startswith("{\n") else self.out.splitlines()[-1])

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        """The steps of a plan by asset."""
        return {step["asset"]: step for step in self.document["steps"]}

    @property
    def verdicts(self) -> dict[str, str]:
        return {asset: step["verdict"] for asset, step in self.steps.items()}

    def kinds(self, asset: str) -> list[str]:
        """Return the kinds of reasons that a plan gives for an asset."""
        return [reason["kind"] for reason in self.steps[asset]["reasons"]]

    @property
    def problems(self) -> list[dict[str, Any]]:
        """The problems of an error; each has a code that leads to this exit code."""
        problems: list[dict[str, Any]] = self.document["problems"]
        assert [problem for problem in problems if self.code not in EXIT_CODES[problem["code"]]] == []
        return problems


class DiskProject:
    """A project below `root`; `pipeline.py` is written from the assets added, in their order."""

    def __init__(self, root: Path, *, jobs: int = 1) -> None:
        self.root = root
        self.jobs = jobs
        self.head: list[str] = []
        self.assets: dict[str, str] = {}
        self._started: list[subprocess.Popen[str]] = []
        root.mkdir(parents=True, exist_ok=True)
        self.file("ran_log.py", _LOG)
        self.settings()

    # --- writing ---------------------------------------------------------------------------

    def settings(self, assets: Sequence[str] = ("pipeline.py",)) -> DiskProject:
        listed = ", ".join(f'"{name}"' for name in assets)
        return self.file("pyproject.toml", f"[tool.assetctl]\nassets = [{listed}]\njobs = {self.jobs}\n")

    def file(self, name: str, text: str | bytes) -> DiskProject:
        """Write a file, creating its folder."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        return self

    def top(self, text: str) -> DiskProject:
        """Add lines above the assets: imports, sources, constants."""
        self.head.append(textwrap.dedent(text).strip())
        return self._write()

    def asset(self, name: str, body: str = "return 1", *, reads: str = "", options: str = "") -> DiskProject:
        """Add an asset or replace one in place; `reads` is its parameter list, `options` the decorator's."""
        decorator = f"@asset({options})" if options else "@asset"
        lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
        self.assets[name] = f'{decorator}\ndef {name}({reads}):\n    ran("{name}")\n{lines}\n'
        return self._write()

    def code(self, name: str, text: str) -> DiskProject:
        """Add a piece of code after the assets so far, or replace it; `name` tells it apart."""
        self.assets[name] = textwrap.dedent(text).strip() + "\n"
        return self._write()

    def without(self, name: str) -> DiskProject:
        del self.assets[name]
        return self._write()

    def _write(self) -> DiskProject:
        head = ["from assetctl import Context, asset, check, columns, source, CheckResult", "from ran_log import ran"]
        return self.file("pipeline.py", "\n".join([*head, *self.head]) + "\n\n\n" + "\n\n".join(self.assets.values()))

    # --- driving ---------------------------------------------------------------------------

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "assetctl", *words]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200", **(extra or {})}

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> Answer:
        """Run one command to its end, whatever its exit code."""
        done = subprocess.run(
            self.command(*words),
            cwd=self.root,
            env=self.environment(env),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def ask(self, *words: str) -> Answer:
        """Run one command in this process, from its folder, which costs no start of an interpreter."""
        said = call("-p", self.root, *words)
        forget_modules(self.root.resolve())
        return Answer(said.code, said.out, said.err)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own and return at once."""
        process = subprocess.Popen(
            self.command(*words),
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def stop_all(self) -> None:
        """Kill what was started and still runs, so that a failing test leaves nothing behind."""
        for process in self._started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            if process.stdout is not None and not process.stdout.closed:
                process.communicate()

    def plan(self, *words: str) -> Answer:
        """Plan through the command line; it has to work."""
        return _good(self.run("plan", "--json", *words))

    def materialize(self, *words: str, code: int = 0, env: Mapping[str, str] | None = None) -> Built:
        """Materialize through the command line and return what ran in it."""
        before = len(self.ran)
        answer = _good(self.run("materialize", "--json", *words, env=env), code)
        return Built(answer, self.ran[before:])

    @contextmanager
    def open(self) -> Iterator[Project]:
        """Open the project in this process; its modules and its place on the path are forgotten afterwards."""
        path = list(sys.path)
        try:
            yield Project.open(self.root)
        finally:
            forget_modules(self.root.resolve())
            sys.path[:] = path

    def build(self, *selection: str, force: bool = False, status: str = "succeeded") -> list[str]:
        """Materialize in this process, which costs no start of an interpreter; return what ran."""
        before = len(self.ran)
        with self.open() as project:
            result = project.materialize(*selection, options=PlanOptions(force=force), jobs=1)
        assert result.status == status, result.events
        return self.ran[before:]

    def value(self, key: str) -> Any:
        with self.open() as project:
            return project.load(key)

    # --- looking ---------------------------------------------------------------------------

    @property
    def ran(self) -> list[str]:
        """Every function call so far, oldest first."""
        path = self.root / "ran.log"
        return path.read_text().split() if path.exists() else []

    @property
    def state(self) -> Path:
        return self.root / ".assetctl"

    def state_files(self) -> dict[str, bytes]:
        """Return every file of the state folder that holds results or records, with its bytes.

        Remembered digests and names, locks and step logs are no results.
        """
        folders = ("cache-v1", "locks", "logs")
        paths = [p for p in sorted(self.state.rglob("*")) if p.is_file()]
        names = {p.relative_to(self.state).as_posix(): p for p in paths}
        return {name: path.read_bytes() for name, path in names.items() if name.split("/")[0] not in folders}

    def blobs(self) -> list[Path]:
        return sorted(p for p in (self.state / "blobs-v1").rglob("*") if p.is_file())

    def segments(self) -> list[Path]:
        return sorted((self.state / "journal-v1").glob("*.log"))


@dataclass(frozen=True)
class Built:
    """A materialize through the command line: its answer, and the functions that ran during it."""

    answer: Answer
    ran: list[str]

    @property
    def finished(self) -> dict[str, Any]:
        event: dict[str, Any] = self.answer.document
        assert event["event"] == "run_finished", event
        return event

    def outcome(self, name: str) -> list[str]:
        assets: list[str] = self.finished[name]
        return assets

    def events(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.answer.events if event["event"] == name]


def _good(answer: Answer, code: int = 0) -> Answer:
    assert answer.code == code, f"exit code {answer.code}\n{answer.out}\n{answer.err}"
    return answer
