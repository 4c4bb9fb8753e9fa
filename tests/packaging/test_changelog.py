"""Each change has a fragment that towncrier understands, and CHANGELOG.md has the version that the package has."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import assetctl
from tests.packaging.fragments import FOLDER, flaws, flaws_in, kinds

ROOT = Path(__file__).parents[2]
GOOD = "Ctrl-C stops every SQL query at once;\nsome went on for minutes.\n"


def test_the_fragments_of_this_checkout_are_well_formed():
    assert flaws_in(FOLDER) == []


@pytest.mark.parametrize("kind", kinds())
def test_a_paragraph_under_a_name_of_its_kind_is_well_formed(kind):
    assert flaws(f"+ctrl-c-in-sql.{kind}.md", GOOD) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ctrl-c.fixed.md", GOOD),
        ("+ctrl-c.md", GOOD),
        ("+ctrl-c.repaired.md", GOOD),
        ("+Ctrl C.fixed.md", GOOD),
        ("+ctrl-c.fixed.txt", GOOD),
        ("+ctrl-c.fixed.md", " \n"),
        ("+ctrl-c.fixed.md", "- " + GOOD),
        ("+ctrl-c.fixed.md", "## Fixed\n" + GOOD),
        ("+ctrl-c.fixed.md", GOOD + "\nAnd more."),
        ("+ctrl-c.fixed.md", "It stops"),
        ("+ctrl-c.fixed.md", "It " + "really " * 20 + "stops."),
    ],
)
def test_each_other_is_refused_with_its_name(name, text):
    assert [flaw.partition(": ")[0] for flaw in flaws(name, text)] == [f"changes/{name}"]


def test_a_release_moves_the_fragments_into_the_changelog(tmp_path):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]
    for file in ("pyproject.toml", settings["filename"]):
        (tmp_path / file).write_bytes((ROOT / file).read_bytes())
    (tmp_path / "changes").mkdir()
    (tmp_path / "changes" / "README.md").touch()
    (tmp_path / "changes" / "+ctrl-c-in-sql.fixed.md").write_text(GOOD)
    command = [sys.executable, "-m", "towncrier", "build", "--yes", "--version", "99.1.0", "--date", "2031-02-03"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "CHANGELOG.md").read_text()
    _, _, released = text.partition("<!-- releases -->\n")
    assert released.startswith(
        "\n## 99.1.0 - 2031-02-03\n\n### Fixed\n\n- Ctrl-C stops every SQL query at once;\n  some went on for minutes.\n\n"
    )
    assert [path.name for path in (tmp_path / "changes").iterdir()] == ["README.md"]


def test_the_changelog_begins_with_the_version_of_the_package():
    _, _, released = (ROOT / "CHANGELOG.md").read_text().partition("<!-- releases -->\n")
    assert released.lstrip().startswith(f"## {assetctl.__version__} - ")
