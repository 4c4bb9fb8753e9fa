"""A campaign: the pinned digests, computed with other versions of Python and of the libraries.

Each interpreter gets an environment of its own from the package registry, below a
temporary folder, with this checkout on its path. What was found is written to
`docs/compat.md`. Runs with `./dev soak compat` only.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lineage.golden_values import CASES
from tests.lineage.test_value_golden import GOLDEN

pytestmark = pytest.mark.soak
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "compat.md"
LIBRARIES = ("numpy", "pyarrow", "pandas", "polars", "scikit-learn", "scipy")


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python version, and the version of each library ("": the newest)."""

    python: str
    versions: tuple[str, ...]

    def requirements(self) -> list[str]:
        pinned = [
            f"{name}=={version}" if version else name for name, version in zip(LIBRARIES, self.versions, strict=True)
        ]
        return [*pinned, "blake3", "pytz"]


ENVIRONMENTS = (
    Environment("3.11", ("1.26.4", "18.1.0", "2.2.3", "1.9.0", "1.5.2", "1.13.1")),
    Environment("3.11", ("2.0.2", "21.0.0", "2.3.3", "1.44.2", "1.6.1", "1.14.1")),
    Environment("3.12", ("2.2.6", "23.0.1", "3.0.6", "2.0.0", "1.7.2", "1.15.3")),
    Environment("3.13", ("", "", "", "", "", "")),
)


def test_the_pinned_digests_hold_with_other_versions_of_the_libraries(tmp_path: Path) -> None:
    answers = [_answer(sys.executable)]
    missing = []
    for number, environment in enumerate(ENVIRONMENTS):
        python = _interpreter(environment.python)
        if python is None:
            missing.append(environment.python)
            continue
        answers.append(_answer(_installed(python, environment, tmp_path / str(number))))
    PAGE.write_text(_page(answers, missing))
    assert {name: digest for answer in answers for name, digest in _others(answer).items()} == {}
    assert len(answers) > 1


def _interpreter(version: str) -> str | None:
    """Return a Python of a version that starts: from the PATH, or of those that pyenv keeps."""
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    for candidate in [shutil.which(f"python{version}"), *map(str, kept)]:
        if (
            candidate
            and subprocess.run([candidate, "-c", "import venv"], check=False, capture_output=True).returncode == 0
        ):
            return candidate
    return None


def _installed(python: str, environment: Environment, folder: Path) -> str:
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    inside = str(folder / "bin" / "python")
    install = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
    subprocess.run([*install, *environment.requirements()], check=True)
    return inside


def _answer(python: str) -> dict[str, Any]:
    child = ROOT / "tests" / "lineage" / "compat_child.py"
    done = subprocess.run(
        [python, str(child)], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, stdout=subprocess.PIPE, text=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _others(answer: dict[str, Any]) -> dict[str, str]:
    """Return what is neither the pinned digest nor a value that these versions cannot make."""
    digests = answer["digests"].items()
    return {name: digest for name, digest in digests if digest != GOLDEN[name] and not digest.startswith("absent")}


def _page(answers: list[dict[str, Any]], missing: list[str]) -> str:
    names = ("Python", *LIBRARIES)
    lines = [
        "# Data versions with other versions of the libraries",
        "",
        f"Written by `./dev soak compat` on {datetime.datetime.now(datetime.UTC):%Y-%m-%d}. Each row is an environment of its own; the {len(CASES)} golden",
        "values (`tests/lineage/golden_values.py`) are made and identified there, and compared with the pinned digests.",
        '"Cannot be made" counts values of types that these versions do not have yet.',
        "",
        f"| {' | '.join(names)} | equal | different | cannot be made |",
        f"|{'---|' * (len(names) + 3)}",
    ]
    for answer in answers:
        n_absent = sum(digest.startswith("absent") for digest in answer["digests"].values())
        n_others = len(_others(answer))
        counts = (len(answer["digests"]) - n_absent - n_others, n_others, n_absent)
        lines.append(f"| {' | '.join([*(answer['versions'][name] for name in names), *map(str, counts)])} |")
    lines += [f"\nNo Python {version} was found on this machine." for version in missing]
    lines += ["", "## What is different, and what cannot be made", ""]
    for answer in answers:
        lines += [
            f"- pyarrow {answer['versions']['pyarrow']}, `{name}`: {digest}"
            for name, digest in answer["digests"].items()
            if digest != GOLDEN[name]
        ]
    return "\n".join([*lines, "", *_estimators(answers), ""])


def _estimators(answers: list[dict[str, Any]]) -> list[str]:
    lines = [
        "## Estimators",
        "",
        "An estimator is its class, parameters and fitted state, and the state is scikit-learn's own: versions add fields",
        "and change what a fit computes in the last bit. Its digest is the same in every process with one version; across",
        "versions it is promised for none. The first digits, for the same fit:",
        "",
        f"| estimator | {' | '.join(answer['versions']['scikit-learn'] for answer in answers)} |",
        f"|{'---|' * (len(answers) + 1)}",
    ]
    digests = {name: [answer["estimators"][name][3:11] for answer in answers] for name in answers[0]["estimators"]}
    return [*lines, *(f"| `{name}` | {' | '.join(of_versions)} |" for name, of_versions in digests.items())]
