"""Pictures come from a separate program; what comes back is self-contained."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET

import pytest

from assetctl.assets.errors import EnvironmentFault
from assetctl.assets.ids import AssetKey
from assetctl.engine.answers.draw import find_programs, render, render_with
from assetctl.lineage.pictures.drawing import LineageView
from assetctl.lineage.pictures.nodes import Node

VIEW = LineageView(
    (
        Node(AssetKey("raw"), "source", "in <put> & \"out\"", "source", True, "content changed → ü"),
        Node(AssetKey("clean/table"), "asset", None, "stale", True, "<script>alert(1)</script>"),
    ),
    ((AssetKey("raw"), AssetKey("clean/table")),),
)  # fmt: skip


def test_svg_is_xml_that_refers_to_nothing_outside():
    svg = render(VIEW.to_dot(), "svg").decode()
    root = ET.fromstring(svg)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "g", "path", "polygon", "polyline", "ellipse", "text", "title", "a", "tspan"}
    assert "DOCTYPE" not in svg
    assert not [name for e in root.iter() for name in e.attrib if name.endswith("href")]
    texts = "".join(root.itertext())
    assert "clean/table" in texts
    assert "<script>alert(1)</script>" in texts, "shown as text"


def test_png_is_png():
    assert render(VIEW.to_dot(), "png").startswith(b"\x89PNG\r\n\x1a\n")


def test_without_any_program_the_error_says_what_to_install():
    with pytest.raises(EnvironmentFault, match="no program on this machine") as caught:
        render_with([], "digraph {}", "svg")
    assert "graphviz-pure" in str(caught.value.problems[0].hint)


def _program(folder, name, body):
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{body}\n")
    path.chmod(0o755)
    return path


def test_a_program_that_fails_or_hangs_gives_way_to_the_next(tmp_path):
    broken = _program(tmp_path, "broken", "import sys; sys.stderr.write('out of paper\\n'); sys.exit(3)")
    hangs = _program(tmp_path, "hangs", "import threading; threading.Event().wait()")
    assert render_with([broken, hangs, *find_programs()], "digraph {a}", "svg", timeout_s=0.5)
    with pytest.raises(EnvironmentFault) as caught:
        render_with([broken, hangs, tmp_path / "absent"], "digraph {a}", "svg", timeout_s=0.5)
    facts = dict(caught.value.problems[0].facts)
    assert facts["broken"] == "out of paper"
    assert facts["hangs"] == "no picture within 0.5 s"
    assert "absent" in facts
