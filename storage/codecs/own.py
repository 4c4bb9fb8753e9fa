"""Codecs that a project declares, as the data store uses them, and what may be wrong with one.

A project's `encode` and `decode` get real files, and what they raise is reported as it is. The
class of a codec is recorded with each value, so that its code counts for everything that reads it.
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from typing import Any, BinaryIO

from assetctl.assets.codec import Codec as Declared
from assetctl.assets.codec import full_name, home_of
from assetctl.assets.errors import Problem
from assetctl.lineage.facts.records import DataVersion, ValueIdentity
from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.identify import digest_of, identify_value
from assetctl.lineage.identity.values.walk import Unencodable, mro, type_name
from assetctl.storage.codecs.base import Encoded, NotEncodable

_NAME = re.compile(r"[a-z][a-z0-9_.-]*(/[0-9]+)?")
_IN_MEMORY_BYTES = 1 << 20


class OwnCodec:
    """One declared codec."""

    may_inline = True

    def __init__(self, declared: type[Declared]) -> None:
        self.declared = declared
        self.name = full_name(declared)
        self.extension = declared.extension
        self._codec = declared()
        self._identifies = declared.identify is not Declared.identify

    def distance(self, value: object) -> int | None:
        """Return how far up a value's class hierarchy one of the codec's types appears, or None if none does."""
        for steps, cls in enumerate(mro(type(value))):
            if any(kind is cls or kind == type_name(cls) for kind in self.declared.types):
                return steps
        return None

    def takes(self, value: object) -> bool:
        return not self.declared.types or self.distance(value) is not None

    def encode(self, value: Any, sink: BinaryIO) -> None:
        folder = getattr(sink, "folder", None)  # the store's own disk, where there is room for what is stored
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES, dir=folder) as file:
            self._codec.encode(value, file)  # type: ignore[arg-type]  # it is a binary file in all but name
            file.seek(0)
            shutil.copyfileobj(file, sink)

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        with io.BytesIO(stored.read()) if stored.path is None else stored.path.open("rb") as file:
            return self._codec.decode(file)

    def is_lossless(self, value: Any) -> bool:
        return False

    def agrees(self, stored: Encoded, decoded: Any, value: Any) -> bool:
        """Say whether a decoded value encodes to the same bytes; True also if the value itself no longer does."""
        first = stored.read()
        return self._bytes(decoded) == first or self._bytes(value) != first

    def _bytes(self, value: Any) -> bytes:
        sink = io.BytesIO()
        self.encode(value, sink)
        return sink.getvalue()

    def identity(self, value: Any, *, unordered: bool) -> ValueIdentity | None:
        """Return what a value is: as its codec says, else by its own content; None if neither has an identity.

        Raises:
            NotEncodable: what the codec says has no identity itself.
        """
        if not self._identifies:
            try:
                return identify_value(value, unordered=unordered)
            except Unencodable:
                return None
        said = self._codec.identify(value)
        try:
            content = digest_of(said)
        except Unencodable as refused:
            where = f" at {refused.where}" if refused.where else ""
            raise NotEncodable(
                f"its `identify` gave a `{refused.type_name}`{where}, which has no identity itself"
            ) from refused
        kind = f"object:{type_name(type(value))}"
        version = Framed("av/1").tag("identified").text(kind).child(content).hexdigest()
        return ValueIdentity(DataVersion(version), kind)


def flaws(declared: Sequence[type[Declared]], taken: Collection[str]) -> Iterator[Problem]:
    """Yield what is wrong with declared codecs; `taken` are names, without version, of built-in ones."""
    seen: dict[str, type[Declared]] = {}
    for codec in declared:
        where = ("declared in", home_of(codec).replace(":", "."))
        for what, hint in _flaws_of(codec, taken):
            yield Problem("bad-codec", f"codec `{codec.__name__}` {what}", (where,), hint)
        other = seen.setdefault(str(codec.name), codec)
        if other is not codec:
            what = f"codec `{codec.__name__}` has the name of another, `{codec.name}`"
            yield Problem(
                "bad-codec", what, (where, ("the other", home_of(other))), "give each codec a name of its own"
            )


def _flaws_of(codec: Any, taken: Collection[str]) -> Iterator[tuple[str, str]]:
    if not isinstance(codec.name, str) or not _NAME.fullmatch(codec.name):
        yield f"has the name {codec.name!r}", 'a name is lower-case text and a version, such as "length/1"'
    elif codec.name.partition("/")[0] in taken:
        yield f"has the name of a built-in codec, `{codec.name}`", "give it another name"
    for method in ("encode", "decode"):
        if getattr(codec, method) is getattr(Declared, method):
            yield f"has no `{method}`", f"define `{method}`; docs/values.md has an example"
    if not isinstance(codec.types, tuple) or not all(isinstance(kind, type | str) for kind in codec.types):
        yield f"has the types {codec.types!r}", "`types` is a tuple of classes, or of their full names"
    if not isinstance(codec.extension, str) or not re.fullmatch(r"(\.[A-Za-z0-9_-]+)*", codec.extension):
        yield f"has the extension {codec.extension!r}", 'an extension is text such as ".json"'
    try:
        codec()
    except Exception as error:  # noqa: BLE001  a person's class may raise anything when it is made
        yield f"cannot be made without arguments: {error}", "give its parameters defaults, or make it a subclass"
