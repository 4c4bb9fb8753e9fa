"""A project as `assetctl init` writes it, built once; each test that changes it gets its own copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.calls import call


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """The starter project, materialized. Not to be changed."""
    folder = tmp_path_factory.mktemp("starter") / "shop"
    assert call("init", folder).code == 0
    said = call("-p", folder, "materialize", "-j", "1")
    assert said.code == 0, said.err
    return folder


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """A copy of the built project."""
    return Path(shutil.copytree(built, tmp_path / "shop"))


def edit(project: Path, old: str, new: str) -> None:
    """Change the pipeline's text."""
    path = project / "pipeline.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
