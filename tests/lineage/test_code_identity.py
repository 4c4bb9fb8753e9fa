"""The code version changes when the code an asset reaches does, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lineage.code_case import Case
from tests.lineage.code_cases import CASES
from tests.lineage.code_projects import identify


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.expect}: {case.claim}")
def test_an_edit_shows_when_it_can_matter(case: Case, tmp_path: Path) -> None:
    edited = case.project.replace(case.old, case.new)
    assert edited != case.project
    before = identify(tmp_path / "before" / "project", case.project)
    after = identify(tmp_path / "after" / "elsewhere" / "project", edited)
    assert (before.version == after.version) == (case.expect == "keep"), (before.symbols, after.symbols)
    assert not after.dynamic
    assert not after.undecidable
