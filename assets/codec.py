"""`Codec`: how a person says in which form values of their own types are kept.

A subclass of it that a project's module has as an attribute is used for the values of
its `types`, and wherever an asset says `codec="NAME"`. Importing it registers nothing.
"""

from __future__ import annotations

from typing import Any, BinaryIO, ClassVar


class Codec:
    """Base class of codecs of one's own; made without arguments.

    `name` is recorded with every value: increase its number ("length/2") when the bytes
    written before can no longer be read. `types` are classes, or names of classes
    ("torch.nn.modules.module.Module") whose library need not be loaded; subclasses count
    too, and the nearest class decides. Without `types` it is used on request only.
    """

    name: ClassVar[str]
    types: ClassVar[tuple[type | str, ...]] = ()
    extension: ClassVar[str] = ".bin"

    def encode(self, value: Any, stream: BinaryIO) -> None:
        """Write a value to a file that is open for writing and can seek."""
        raise NotImplementedError

    def decode(self, stream: BinaryIO) -> Any:
        """Return a new value from a file that is open for reading; it is closed afterwards."""
        raise NotImplementedError

    def identify(self, value: Any) -> object:
        """Return what makes a value what it is, as plain data, arrays or tables.

        Two values that give the same are the same to everything downstream. Where this is
        not overridden, a value counts by its own content if that has an identity, else by
        the bytes that `encode` wrote.
        """
        raise NotImplementedError


def full_name(codec: type[Codec]) -> str:
    """Return a codec's name with its version; one that says none is the first."""
    return codec.name if "/" in codec.name else f"{codec.name}/1"


def home_of(codec: type[Codec]) -> str:
    """Return where a codec's class is found again: "module:qualname"."""
    return f"{codec.__module__}:{codec.__qualname__}"
