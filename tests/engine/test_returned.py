"""`None` from a function that promises something else is a failure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, TypeVar

import pytest

from assetctl.engine.project import Project
from assetctl.engine.steps.returned import may_return_none

T = TypeVar("T")
Sized = TypeVar("Sized", bound=int)
Key = NewType("Key", int)


def _annotated(annotation: object) -> Callable[[], None]:
    def fn() -> None:
        return None

    fn.__annotations__["return"] = annotation
    return fn


@pytest.mark.parametrize(
    ("annotation", "allowed"),
    [
        (None, True), (type(None), True), ("None", True), (Any, True), (object, True), (T, True), (Sized, False),
        (int | None, True), ("int | None", True), ("Optional[Frame]", True),
        (int | str, False), (int, False), ("int", False), ("pd.DataFrame", False), (list[int], False),
        (dict, False), (Annotated[int, "x"], False), (Annotated[int | None, "x"], True), (Literal[1] | None, True),
        (Literal[1], False), (Awaitable[None], True), (Awaitable[int], False), (Key, False), (tuple[int, None], False),
    ],
)  # fmt: skip
def test_which_annotations_allow_none(annotation: object, allowed: bool) -> None:
    assert may_return_none(_annotated(annotation)) is allowed


def test_a_function_without_annotation_may_return_none() -> None:
    assert may_return_none(lambda: None)
    assert may_return_none(len)


def test_a_forgotten_return_fails_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.assetctl]\nassets = ["pipeline.py"]\n')
    (tmp_path / "pipeline.py").write_text(
        "from assetctl import asset\n@asset\ndef a() -> dict:\n    x = {}\n@asset\ndef b() -> None:\n    pass\n"
    )
    finished = Project.open(tmp_path).materialize(jobs=1).finished
    assert (finished.failed, finished.materialized) == (("a",), ("b",))


def test_a_project_without_assets_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.assetctl]\nassets = ["pipeline.py"]\n')
    (tmp_path / "pipeline.py").write_text("from assetctl import source\ns = source.file('x')\n")
    with pytest.raises(Exception, match="declares no assets") as raised:
        Project.open(tmp_path).plan()
    assert raised.value.problems[0].code == "nothing-declared"  # type: ignore[attr-defined]
