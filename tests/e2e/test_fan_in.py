"""Several upstreams for one parameter, and for `**kwargs`: given, recorded, shown, and a reason when they change."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.projects import DiskProject


def test_what_reads_many_gets_them_and_depends_on_each(tmp_path: Path) -> None:
    project = DiskProject(tmp_path)
    project.top("from pathlib import Path\nimport pandas as pd\nimport pyarrow as pa")
    project.top('lines = source.file("lines.csv")')
    project.file("lines.csv", "n\n1\n2\n")
    project.asset("x", "return 1").asset("y", "return 2")
    project.asset("by_name", "return list(tables.items())", reads="**tables", options='ins={"two": "y", "one": "x"}')
    project.asset("a_list", "return parts", reads="parts", options='ins={"parts": ["y", "x", "y"]}')
    project.asset(
        "a_dict", "return list(parts.items())", reads="parts", options='ins={"parts": {"k": "y", "b c": "x"}}'
    )
    project.asset("none", "return [parts, others]", reads="parts, others", options='ins={"parts": [], "others": {}}')
    project.asset(
        "tables", "return [int(part['n'].sum()) for part in parts]", reads="parts: list[pd.DataFrame]",
        options='ins={"parts": ["lines", "lines"]}',
    )  # fmt: skip
    everything = list(project.assets)
    assert sorted(project.build()) == sorted(everything)
    assert project.value("by_name") == [("two", 2), ("one", 1)]
    assert project.value("a_list") == [2, 1, 2]
    assert project.value("a_dict") == [("k", 2), ("b c", 1)]
    assert project.value("none") == [[], {}]
    assert project.value("tables") == [3, 3]
    assert project.build() == []

    project.asset("x", "return 10")
    with project.open() as opened:
        waiting = {step.target: step.waiting_on for step in opened.plan().steps if step.waiting_on}
        assert waiting == dict.fromkeys(("by_name", "a_list", "a_dict"), ("x",))
    assert sorted(project.build()) == ["a_dict", "a_list", "by_name", "x"]

    for options in (
        'ins={"parts": ["y", "y", "x"]}',
        'ins={"parts": ["y", "y"]}',
        'ins={"parts": {"0": "y", "1": "y"}}',
    ):
        project.asset("a_list", "return parts", reads="parts", options=options)
        assert project.build() == ["a_list"]
    project.asset(
        "a_dict", "return list(parts.items())", reads="parts", options='ins={"parts": {"b c": "x", "k": "y"}}'
    )
    project.asset("none", "return [parts, others]", reads="parts, others", options='ins={"parts": {}, "others": {}}')
    assert sorted(project.build()) == ["a_dict", "none"]
    assert project.value("a_dict") == [("b c", 10), ("k", 2)]
    assert project.value("none") == [{}, {}]
    project.file("lines.csv", "n\n1\n3\n")
    assert project.build() == ["tables"]
