"""Codecs of a project's own in the data store: which values they get, what identifies those, what is refused."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
import pyarrow as pa
import pytest

from assetctl import Codec
from assetctl.assets.errors import AssetFailed, DeclarationError
from assetctl.assets.ids import Target
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import Output, ProvenanceDigest
from assetctl.storage.codecs.own import flaws
from assetctl.storage.codecs.registry import RESERVED
from assetctl.storage.state.layout import Layout
from assetctl.storage.values.store import BlobDataStore


class Length:
    def __init__(self, metres: float) -> None:
        self.metres = metres


class Height(Length):
    pass


class LengthCodec(Codec):
    name = "length/1"
    types: ClassVar[tuple[type | str, ...]] = (Length,)
    extension = ".json"

    def encode(self, value: Length, stream: BinaryIO) -> None:
        stream.write(json.dumps(value.metres).encode())

    def decode(self, stream: BinaryIO) -> Length:
        return Length(json.load(stream))


class Lines(Codec):
    """On request only."""

    name = "lines"

    def encode(self, value: list[str], stream: BinaryIO) -> None:
        stream.write("\n".join(value).encode())

    def decode(self, stream: BinaryIO) -> list[str]:
        return stream.read().decode().split("\n")


def put(tmp_path: Path, own: list[type[Codec]], value: object, codec: str | None = None) -> tuple[Output, Any]:
    """Store a value and return what is recorded and what is read back."""
    store = BlobDataStore(Layout.of(tmp_path), lambda: own)
    stored = store.put(value, codec=codec, unordered=False, provenance=ProvenanceDigest("b3:p"))
    output = stored.as_output(Target.parse("thing"))
    return output, store.load(output, Wanted())


def test_values_of_its_types_are_kept_by_it(tmp_path: Path) -> None:
    output, back = put(tmp_path, [LengthCodec], Length(2.5))
    assert (output.codec, output.inline, output.value.basis) == ("length/1", b"2.5", "blob")
    assert (type(back), back.metres) == (Length, 2.5)
    assert put(tmp_path, [LengthCodec], {"a": 1})[0].codec == "json/1"


def test_a_type_is_named_by_its_class_or_its_full_name(tmp_path: Path) -> None:
    class Named(LengthCodec):
        types = (f"{__name__}.Length",)

    assert put(tmp_path, [Named], Length(1))[0].codec == "length/1"


def test_the_nearest_class_decides(tmp_path: Path) -> None:
    class HeightCodec(LengthCodec):
        name = "height/1"
        types = (Height,)

        def decode(self, stream: BinaryIO) -> Height:
            return Height(json.load(stream))

    for own in ([LengthCodec, HeightCodec], [HeightCodec, LengthCodec]):
        assert put(tmp_path, own, Height(1))[0].codec == "height/1"
        assert put(tmp_path, own, Length(1))[0].codec == "length/1"


def test_one_without_types_is_used_on_request(tmp_path: Path) -> None:
    assert put(tmp_path, [Lines], ["a", "b"])[0].codec == "json/1"
    output, back = put(tmp_path, [Lines], ["a", "b"], "lines")
    assert (output.codec, output.inline, output.value.basis, back) == ("lines/1", b"a\nb", "content", ["a", "b"])


@pytest.mark.parametrize("n_bytes", [10, 5000, 3_000_000])
def test_it_writes_and_reads_a_file_that_can_seek(tmp_path: Path, n_bytes: int) -> None:
    class Arrays(Codec):
        name = "arrays/1"

        def encode(self, value: Any, stream: BinaryIO) -> None:
            stream.write(b"0" * 8)
            stream.write(value.tobytes())
            stream.seek(0)
            stream.write(len(value).to_bytes(8, "little"))

        def decode(self, stream: BinaryIO) -> Any:
            stream.seek(8)
            array = np.frombuffer(stream.read(), np.uint8)
            stream.seek(0)
            assert int.from_bytes(stream.read(8), "little") == len(array)
            return array

    value = np.full(n_bytes, 7, np.uint8)
    _, back = put(tmp_path, [Arrays], value, "arrays")
    assert np.array_equal(back, value)
    assert [path for path in Layout.of(tmp_path).temporary.rglob("*") if path.is_file()] == []


class Identified(LengthCodec):
    """Its bytes differ each time, what they stand for does not."""

    def encode(self, value: Length, stream: BinaryIO) -> None:
        stream.write(json.dumps(value.metres).encode() + b" " * os.urandom(1)[0])

    def identify(self, value: Length) -> object:
        return round(value.metres, 3)


def test_what_it_says_a_value_is_decides_over_its_bytes(tmp_path: Path) -> None:
    first, _ = put(tmp_path, [Identified], Length(1.0))
    assert first.value.basis == "content"
    assert first.value == put(tmp_path, [Identified], Length(1.0001))[0].value
    assert first.value != put(tmp_path, [Identified], Length(1.1))[0].value


def test_a_value_that_has_an_identity_keeps_it(tmp_path: Path) -> None:
    @dataclasses.dataclass
    class Point:
        x: int

    class Points(Codec):
        name = "points"
        types = (Point,)

        def encode(self, value: Point, stream: BinaryIO) -> None:
            stream.write(bytes([value.x]) + os.urandom(3))

        def decode(self, stream: BinaryIO) -> Point:
            return Point(stream.read()[0])

    assert put(tmp_path, [Points], Point(1))[0].value == put(tmp_path, [Points], Point(1))[0].value


class _Lossy(Identified):
    def decode(self, stream: BinaryIO) -> Length:
        return Length(json.load(stream) + 1)


class _OtherType(LengthCodec):
    def decode(self, stream: BinaryIO) -> Any:
        return json.load(stream)


class _OffByOne(LengthCodec):
    def decode(self, stream: BinaryIO) -> Length:
        return Length(json.load(stream) + 1)


class _Unreadable(LengthCodec):
    def decode(self, stream: BinaryIO) -> Length:
        raise ZeroDivisionError("no such length")


class _NoIdentity(LengthCodec):
    def identify(self, value: Length) -> object:
        return {"of": [value]}


@pytest.mark.parametrize(
    ("codec", "value", "expected"),
    [
        (_Lossy, Length(1), "does not give the same value back"),
        (_OtherType, Length(1.5), "gives a `float` back"),
        (_OffByOne, Length(1), "encoded again, that is other bytes"),
        (_Unreadable, Length(1), "ZeroDivisionError: no such length"),
        (_NoIdentity, Length(1), "Length` at ['of'][0], which has no identity"),
        (LengthCodec, Height(1), "Length` back"),
    ],
)
def test_what_does_not_come_back_is_refused_and_nothing_else_is_tried(
    tmp_path: Path, codec: type[Codec], value: object, expected: str
) -> None:
    with pytest.raises(AssetFailed) as raised:
        put(tmp_path, [codec], value)
    ((_, tried),) = raised.value.problems[0].facts
    assert tried.startswith("length: ") and expected in tried


def test_what_its_code_raises_is_the_persons_to_see(tmp_path: Path) -> None:
    class Breaks(LengthCodec):
        def encode(self, value: Length, stream: BinaryIO) -> None:
            raise KeyError("metres")

    with pytest.raises(KeyError, match="metres"):
        put(tmp_path, [Breaks], Length(1))


def test_a_value_whose_codec_is_gone_names_it(tmp_path: Path) -> None:
    output, _ = put(tmp_path, [LengthCodec], Length(1))
    store = BlobDataStore(Layout.of(tmp_path), lambda: [Lines])
    with pytest.raises(AssetFailed, match="`thing` is kept by the codec `length/1`, which this project") as raised:
        store.load(output, Wanted())
    assert "lines" in dict(raised.value.problems[0].facts)["codecs"]
    store.export(output, tmp_path / "bytes")
    assert (tmp_path / "bytes").read_bytes() == b"1"


def test_a_value_that_a_changed_codec_reads_otherwise_is_not_given(tmp_path: Path) -> None:
    output, _ = put(tmp_path, [Identified], Length(1))
    with pytest.raises(AssetFailed, match="not the value that was stored"):
        BlobDataStore(Layout.of(tmp_path), lambda: [_Lossy]).load(output, Wanted())
    with pytest.raises(AssetFailed, match="cannot be decoded by the codec `length/1`: ZeroDivisionError"):
        BlobDataStore(Layout.of(tmp_path), lambda: [_Unreadable]).load(output, Wanted())


def test_tables_and_numbers_are_read_without_asking_for_the_projects_codecs(tmp_path: Path) -> None:
    table, _ = put(tmp_path, [], pa.table({"a": [1]}))
    number, _ = put(tmp_path, [], 1)
    store = BlobDataStore(Layout.of(tmp_path), lambda: pytest.fail("the project was imported"))
    assert store.load(table, Wanted(Form.ARROW)).num_rows == 1
    assert store.load(number, Wanted()) == 1


def test_a_codec_that_nobody_declares_cannot_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="no codec `length`"):
        put(tmp_path, [Lines], Length(1), "length")


def _made(**members: Any) -> type[Codec]:
    return type("Bad", (LengthCodec,), members)


@pytest.mark.parametrize(
    ("codec", "expected"),
    [
        (_made(name="Length 1"), "has the name 'Length 1'"),
        (_made(name=1), "has the name 1"),
        (_made(name="parquet/2"), "name of a built-in codec"),
        (_made(name="file"), "name of a built-in codec"),
        (_made(encode=Codec.encode), "has no `encode`"),
        (_made(decode=Codec.decode), "has no `decode`"),
        (_made(types=[Length]), "has the types"),
        (_made(types=Length), "has the types"),
        (_made(extension="../x"), "has the extension"),
        (_made(__init__=lambda self, depth: None), "cannot be made without arguments"),
    ],
)
def test_what_is_wrong_with_a_codec_is_said(codec: type[Codec], expected: str) -> None:
    (problem,) = flaws([codec], RESERVED)
    assert expected in problem.message
    assert problem.hint


def test_two_codecs_of_one_name_are_refused() -> None:
    (problem,) = flaws([LengthCodec, Identified], RESERVED)
    assert "has the name of another, `length/1`" in problem.message
