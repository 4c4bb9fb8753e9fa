"""Every value of the zoo has one version in every process, comes back equal, and differs from its edited twin."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.projects import ROOT
from tests.truth.zoo import NEW_EACH_TIME, families, kept, quietly
from tests.truth.zoo_kinds import Plain

SHORT = {
    "python": ("list", "dict of mixed keys", "set of mixed", "nan", "surrogate", "Counter", "very deep list", "parts within parts"),
    "times": ("folded datetime", "datetime in a zone", "decimal"),
    "classes": ("dict by enum", "dataclass", "object with sets deep", "object with slots", "reduced with words", "bound method"),
    "shared": ("shared list", "shared in objects", "cycle", "ring"),
    "refused": ("generator", "iterator in a dict", "module in a list", "open file"),
    "numpy": ("numpy >f8", "numpy record", "numpy masked", "numpy strings", "scalar float32", "object with arrays"),
    "pandas": ("frame attrs", "frame cut", "frame nothing", "series category", "index period", "styler", "group by"),
    "arrow": ("arrow string view", "arrow run ends", "arrow metadata", "arrow schema", "array list view", "reader"),
    "polars": ("polars Enum", "polars series List", "polars lazy"),
    "scipy": ("sparse csr", "sparse dok", "frozen norm"),
    "libraries": ("shared in a graph", "shared in a model", "pydantic fields set", "data set"),
    "pictures": ("image P", "plotly in a dict"),
    "boosters": ("lightgbm booster",),
    "sklearn": ("fitted histograms",),
}  # fmt: skip
"""What the ordinary suite looks at, in its own process."""


@pytest.mark.parametrize(("family", "name"), [(family, name) for family, names in SHORT.items() for name in names])
def test_a_value_comes_back_equal_and_its_edited_twin_differs(tmp_path: Path, family: str, name: str) -> None:
    seen = quietly(tmp_path, *families()[family][name])
    if seen.absent:
        pytest.skip(f"{seen.absent} is not installed")
    assert seen.wrong == ""


def test_the_zoo_is_large() -> None:
    assert sum(map(len, families().values())) >= 300


@pytest.mark.parametrize("seed", ["1", "77"])
def test_an_object_that_holds_sets_has_one_version_under_every_hash_seed(tmp_path: Path, seed: str) -> None:
    program = (
        "import sys, pathlib\n"
        "from tests.truth.zoo import kept\n"
        "from tests.truth.zoo_kinds import Plain\n"
        "print(kept(pathlib.Path(sys.argv[1]), Plain(a=Plain(b=[set('pqrst'), {'x': frozenset('uvw')}]))).value.version)\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    there = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()
    here = kept(tmp_path, Plain(a=Plain(b=[set("tsrqp"), {"x": frozenset("wvu")}]))).value
    assert (here.version, here.basis) == (there, "pickled")


@pytest.mark.soak
def test_truth_of_every_value_in_two_processes_with_two_hash_seeds(tmp_path: Path) -> None:
    runs = [_run(tmp_path / f"{seed}-{turn}", seed) for seed in ("0", "4242") for turn in ("a", "b")]
    wrong = {
        name: seen["wrong"]
        for run in runs
        for name, seen in run.items()
        if seen["wrong"] and name[1] not in NEW_EACH_TIME
    }
    versions = {name: {run[name]["version"] for run in runs} for name in runs[0]}
    several = sorted(name for name, these in versions.items() if len(these) > 1 and name[1] not in NEW_EACH_TIME)
    absent = sorted(name for name, seen in runs[0].items() if seen["absent"])
    refused = sum(bool(seen["refused"]) for seen in runs[0].values())
    print(f"{len(versions)} values, {refused} refused, {len(absent)} absent: {', '.join(absent)}")
    assert (wrong, several) == ({}, [])


def _run(folder: Path, seed: str) -> dict[tuple[str, str], dict[str, Any]]:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    said = subprocess.run(
        [sys.executable, "-m", "tests.truth.zoo_run", str(folder)],
        env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    lines = [json.loads(line) for line in said.splitlines() if line.startswith('["')]
    return {(family, name): seen for family, name, seen in lines}
