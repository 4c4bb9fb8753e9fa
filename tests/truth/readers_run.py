"""Run cases: build, edit, and ask in new processes what is fresh."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.truth.readers import HEADER, KINDS
from tests.truth.readers_access import LOOK_HELP, Case

ROOT = Path(__file__).parents[2]
BEFORE = {"AT_V": "1"}


class Server:
    """The fork server, and what it said."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **BEFORE}
        command = [sys.executable, "-m", "tests.truth.readers_server"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
        )

    def ask(self, do: str, root: Path, **more: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, "root": str(root), **more}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["answer"]

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@dataclass(slots=True)
class Outcome:
    """What became of cases: assets by what is wrong with them."""

    failed: dict[str, str] = field(default_factory=dict)
    needless: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)  # the edit did not change the value: the case is none
    fresh: list[str] = field(default_factory=list)  # the lie
    flagged: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # not what a clean build gives, after building again
    n: int = 0


def write_project(root: Path, cases: Sequence[Case]) -> None:
    root.mkdir(parents=True)
    (root / "pyproject.toml").write_text('[tool.assetctl]\nassets = ["assets.py"]\n')
    (root / "package").mkdir()
    (root / "package/__init__.py").write_text("")
    header = HEADER.replace("from assetctl", "import helper\nfrom assetctl")
    (root / "helper.py").write_text(HEADER + LOOK_HELP + "".join(case.helper for case in cases))
    (root / "assets.py").write_text(header + LOOK_HELP + "".join(case.code for case in cases))
    for case in cases:
        for name, kind in case.files:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            KINDS[kind].write(path, 1)
        for name, target in case.links:
            (root / name).symlink_to(target)


def run(server: Server, folder: Path, cases: Sequence[Case]) -> Outcome:
    """Build the cases in one project, change what each looks at, and compare with a clean build."""
    outcome = Outcome()
    root = folder / "project"
    write_project(root, cases)
    built = server.ask("build", root)
    outcome.failed = built["failed"]
    cases = [case for case in cases if not outcome.failed.keys() & {case.name, *case.more}]
    names = [name for case in cases for name in (case.name, *case.more)]
    outcome.n = len(names)
    (root / "elsewhere").mkdir()
    (root / "elsewhere/new.txt").write_text("new")
    plan = server.ask("plan", root, variables={"SOMETHING_ELSE": "1"})
    outcome.needless = [name for name in names if plan[name]]
    before = dict(os.environ)
    for case in cases:
        case.edit(root)
    changed = {name: value for name, value in os.environ.items() if before.get(name) != value}
    os.environ.clear()
    os.environ.update(before)
    plan = server.ask("plan", root, variables=changed)
    fresh = [name for name in names if not plan[name]]
    again = server.ask("build", root, variables=changed)
    clean = folder / "clean"
    shutil.copytree(root, clean, symlinks=True, ignore=shutil.ignore_patterns(".assetctl", "__pycache__"))
    should = server.ask("build", clean, variables=changed)
    outcome.failed.update(should["failed"])
    for name in names:
        if name.endswith("_check"):
            continue
        old, new = built["versions"][name], should["versions"].get(name)
        if old == new:
            outcome.unchanged.append(name)
            continue
        flagged = any(kind == "unseen" for kind, _ in built["used"][name])
        if name in fresh:
            (outcome.flagged if flagged else outcome.fresh).append(name)
        if again["versions"][name] != new and not flagged:
            outcome.wrong.append(name)
    outcome.fresh += [name for name in fresh if name.endswith("_check")]
    return outcome
