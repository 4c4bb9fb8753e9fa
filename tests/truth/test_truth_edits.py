"""After any edit of a generated project, every value is that of a clean build, and only what the edit reaches runs.

The long form is `./dev soak truth`; `ASSETCTL_TRUTH_SEED` and `ASSETCTL_TRUTH_EDITS` choose another one.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys

import pytest

from tests.truth.campaign import Trial, run_campaign, two_servers
from tests.truth.projects import SHAPES, Decoration, World
from tests.truth.server import environment_of
from tests.truth.shape import Shape, knob
from tests.truth.shapes_code import Plain, Registry
from tests.truth.shapes_files import Looked
from tests.truth.shapes_lookups import LookupFiles

HERE = "from pathlib import Path\nfrom assetctl import asset\nHERE = Path(__file__).parent\n"


class Unseen(Shape):
    """A file in a folder that is documented as not seen."""

    files = {
        "${me}.py": f'{HERE}\n@asset\ndef ${{me}}_unseen(): return (HERE / ".cache" / "n").read_text()\n',
        ".cache/n": "$n",
    }
    knobs = {"n": knob("1 | 2 | 3", "unseen")}


class Restless(Shape):
    """An edit that claims to reach nothing, and does."""

    files = {"${me}.py": f"{HERE}\n@asset\ndef ${{me}}_restless(): return 0 * $n\n"}
    knobs = {"n": knob("1 | 2 | 3", "")}


def test_a_few_edits_give_what_a_clean_build_gives(tmp_path):
    """A fresh interpreter answers as the forked commands do, too."""
    with two_servers(have_libraries=False) as servers:
        trial = Trial(tmp_path, 5, servers, [Plain, Registry, LookupFiles, Looked])
        trial.begin()
        for _ in range(2):
            trial.step()
        trial.world.edit()
        trial.world.write(trial.root, trial.written)
        command = [sys.executable, "-m", "assetctl", "plan", "--json"]
        variables = trial.world.environment()
        fresh = subprocess.run(command, cwd=trial.root, env=environment_of(variables), capture_output=True, check=True)
        assert json.loads(fresh.stdout) == servers[0].ask(trial.root, "plan", "--json", env=variables).json
    assert (trial.tally.wrong, trial.tally.needless) == ([], [])


def test_the_campaign_notices_what_it_looks_for(tmp_path):
    tally = run_campaign(tmp_path, 14, 2, kinds=[Unseen, Restless])
    assert tally.wrong
    assert all("_unseen (planned: fresh)" in wrong for wrong in tally.wrong), tally.wrong
    assert tally.needless
    assert all("_restless ran" in needless for needless in tally.needless), tally.needless


@pytest.mark.parametrize("kind", SHAPES)
def test_whatever_a_shape_says_is_python(kind):
    shape = kind("s1", "s0_a")
    for name, each in shape.knobs.items():
        said = set()
        for shape.at[name] in range(len(each.alternatives)):
            texts = shape.texts()
            said.add(repr((sorted(texts.items()), shape.environment())))
            for text in (
                text for path, text in texts.items() if path.endswith(".py") and sys.version_info >= shape.needs_python
            ):
                ast.parse(text)
                ast.parse(Decoration(1, 1, 1, 1, is_reformatted=True, swapped=1).applied(text))
        assert len(said) == len(each.alternatives), f"{name} changes nothing"


def test_a_seed_always_gives_the_same_project_and_edits():
    first, second = World.made(1), World.made(1)
    assert first.n_modules >= 5
    assert [first.edit() for _ in range(20)] == [second.edit() for _ in range(20)]
    assert first.texts() == second.texts()


@pytest.mark.soak
def test_soak_truth_of_two_thousand_edits(tmp_path):
    seed = int(os.environ.get("ASSETCTL_TRUTH_SEED", "20261128"))
    n_edits = int(os.environ.get("ASSETCTL_TRUTH_EDITS", "2000"))
    tally = run_campaign(tmp_path, seed, n_edits)
    assert tally.wrong == []
    assert len(tally.needless) < 0.02 * tally.n_ran
