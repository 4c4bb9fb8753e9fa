"""A process that has imported assetctl and the libraries, and forks for each command: a new process, cheaply."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

_LIBRARIES = """
assetctl.engine.project assetctl.engine.runs.start duckdb joblib numpy openpyxl pandas PIL.Image polars pyarrow.csv
pyarrow.dataset pyarrow.feather pyarrow.fs pyarrow.json pyarrow.orc pyarrow.parquet sklearn.datasets sqlalchemy yaml
"""


def serve() -> None:
    """Read commands as lines of JSON, and answer each from a child of its own."""
    import_all()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        command = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            try:
                answer = {"answer": perform(command)}
            except BaseException:  # noqa: BLE001  the test says it
                answer = {"error": traceback.format_exc()}
            with os.fdopen(writing, "w") as pipe:
                json.dump(answer, pipe)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        answers.write((text or json.dumps({"error": "it died"})) + "\n")
        answers.flush()


def import_all() -> None:
    """Import the product and the libraries, and use none: a process that is forked has no threads of theirs."""
    for name in _LIBRARIES.split():
        importlib.import_module(name)


def perform(command: dict[str, Any]) -> Any:
    """Do one thing with the project in the folder of the command."""
    root = Path(command["root"])
    os.chdir(root)
    os.environ.update(command.get("variables", {}))
    sys.path[:] = [entry for entry in sys.path if entry]
    from assetctl.engine.project import Project

    match command["do"]:
        case "build":
            project = Project.open(root)
            made = project.materialize(*command.get("only", ()), jobs=1)
            failed = {str(e.step): e.message for e in made.events if type(e).__name__ == "StepFailed"}
            latest = made.relied_on.latest
            return {
                "failed": failed,
                "built": sorted(map(str, made.finished.materialized)),
                "versions": {str(t): r.output.value.version for t, r in latest.items()},
                "used": {
                    str(t): [[str(u.kind), u.name] for u in r.materialization.undeclared] for t, r in latest.items()
                },
            }
        case "plan":
            plan = Project.open(root).plan()
            return {str(step.target): [type(r).__name__ for r in step.reasons] for step in plan.steps}
        case other:
            raise AssertionError(other)


if __name__ == "__main__":
    serve()
