"""Codecs of a project's own in real projects: found by their class, in workers too, and counted by their code."""

from __future__ import annotations

import pytest

from assetctl.assets.errors import AssetFailed, DeclarationError
from tests.e2e.projects import DiskProject

LENGTHS = '''
from assetctl import Codec


class Length:
    def __init__(self, metres):
        self.metres = metres


class LengthCodec(Codec):
    """Lengths as text."""

    name = "length/1"
    types = (Length,)

    def encode(self, value, stream):
        stream.write(text_of(value).encode())

    def decode(self, stream):
        return Length(int(stream.read().strip()))


def text_of(value):
    return str(value.metres)
'''


@pytest.fixture
def project(tmp_path):
    project = DiskProject(tmp_path)
    project.file("lengths.py", LENGTHS)
    project.top("from lengths import Length, LengthCodec")
    project.asset("long", "return Length(3)")
    project.asset("metres", "return long.metres", reads="long")
    project.asset("other", "return 1")
    return project


def reasons(project: DiskProject, asset: str) -> set[str]:
    return set(project.plan().kinds(asset))


def test_workers_use_it_too_and_nothing_is_said_of_it(project):
    built = project.materialize("-j", "2")
    assert sorted(built.ran) == ["long", "metres", "other"]
    assert [warning for event in built.events("step_finished") for warning in event["warnings"]] == []
    answer = project.run("show", "long", "--json").document
    assert answer["materialization"]["codec"] == "length/1"
    assert project.run("get", "long", "-o", "-").out == "3"
    assert project.value("long").metres == 3
    assert project.materialize().ran == []


@pytest.mark.parametrize(
    ("old", "new", "ran"),
    [
        ("str(value.metres)", "repr(value.metres)", ["long", "metres"]),  # a helper of `encode`
        ("int(stream.read().strip())", "int(stream.read())", ["long", "metres"]),
        ('"""Lengths as text."""', '"""Text."""', []),
        ("        stream.write", "        # a comment\n        stream.write", []),
    ],
)
def test_what_changes_its_code_counts_for_what_it_keeps_and_for_whoever_reads_that(project, old, new, ran):
    project.build()
    project.file("lengths.py", LENGTHS.replace(old, new))
    assert project.build() == ran
    assert project.build() == []


def test_an_edit_that_writes_other_bytes_is_read_back_by_the_new_code(project):
    project.build()
    edited = LENGTHS.replace("str(value.metres)", '"m" * value.metres').replace(
        "int(stream.read().strip())", "len(stream.read())"
    )
    project.file("lengths.py", edited)
    assert project.build() == ["long", "metres"]
    assert project.value("metres") == 3
    project.file("lengths.py", LENGTHS)
    assert project.build() == ["long"]  # `metres` is restored
    assert project.value("long").metres == 3


def test_equal_data_in_other_bytes_replace_those_that_the_new_code_cannot_read(project):
    says = LENGTHS.replace(
        "def text_of", "    def identify(self, value):\n        return value.metres\n\n\ndef text_of"
    )
    project.file("lengths.py", says)
    project.build()
    edited = says.replace("str(value.metres)", '"m" * value.metres').replace(
        "int(stream.read().strip())", "len(stream.read())"
    )
    project.file("lengths.py", edited)
    assert project.build()[0] == "long"
    assert project.value("long").metres == 3


def test_an_asset_whose_codec_is_not_declared_any_more_is_built_again(project):
    project.build()
    project.head[:] = ["from lengths import Length"]
    project._write()
    with pytest.raises(AssetFailed, match="codec `length/1`, which this project does not declare"):
        project.value("long")
    assert "observed_changed" in reasons(project, "long")
    assert project.build() == ["long", "metres"]
    assert project.value("long").metres == 3


@pytest.mark.parametrize("named", ['"length"', '"length/1"', "LengthCodec"])
def test_an_asset_names_it_by_text_or_class(project, named):
    project.asset("long", "return Length(3)", options=f"codec={named}")
    project.build("metres")
    assert project.value("metres") == 3


def test_a_codec_that_does_not_exist_is_a_declaration_error(project):
    project.asset("long", "return Length(3)", options='codec="lenght"')
    project.asset("other", options='codec="jsn"')
    with pytest.raises(DeclarationError) as raised:
        project.build()
    assert ["lenght" in p.message or "jsn" in p.message for p in raised.value.problems] == [True, True]
    assert not project.state.exists()


def test_a_codec_that_cannot_work_is_a_declaration_error(project):
    project.file("lengths.py", LENGTHS.replace('"length/1"', '"pickle/9"'))
    answer = project.run("plan")
    assert answer.code == 2
    assert "codec `LengthCodec` has the name of a built-in codec, `pickle/9`" in answer.err
    assert "lengths.LengthCodec" in answer.err
