"""Classes, functions and enums of a project, as the values of the zoo hold them."""

from __future__ import annotations

import abc
import enum
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Generic, NamedTuple, TypedDict, TypeVar

T = TypeVar("T")


class Colour(enum.Enum):
    RED = 1
    BLUE = "b"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Rights(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()


class Word(enum.StrEnum):
    ONE = "one"
    TWO = "two"


@dataclass
class Point:
    x: int
    y: float = 0.5
    labels: list[str] = field(default_factory=list)


@dataclass(frozen=True, order=True)
class Frozen:
    name: str
    inner: Point | None = None


@dataclass(slots=True)
class Slotted:
    a: int
    b: str = "b"


@dataclass
class Child(Point):
    z: int = 3


@dataclass
class Defaults:
    hidden: int = field(default=1, repr=False, compare=False)


@dataclass
class Listing(dict):  # type: ignore[type-arg]
    title: str = ""


class Pair(NamedTuple):
    left: int
    right: str = "r"


class Movie(TypedDict):
    title: str
    year: int


class Plain:
    """An ordinary class: attributes and nothing else."""

    shared: ClassVar[list[int]] = [1]

    def __init__(self, **held: Any) -> None:
        self.__dict__.update(held)

    @cached_property
    def size(self) -> int:
        return len(self.__dict__)


class WithSlots:
    __slots__ = ("a", "b")

    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b


class WithState:
    def __init__(self, parts: Any) -> None:
        self.parts = parts
        self.lock = None

    def __getstate__(self) -> dict[str, Any]:
        return {"parts": self.parts}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, lock=None)


class Reduced:
    def __init__(self, numbers: set[int]) -> None:
        self.numbers = numbers

    def __reduce__(self) -> Any:
        return Reduced, (self.numbers,)


class Box(Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self) -> float: ...


class Square(Shape):
    def __init__(self, side: float) -> None:
        self.side = side

    def area(self) -> float:
        return self.side**2


class Names(list):  # type: ignore[type-arg]
    """A list with an attribute of its own."""


class Counts(dict):  # type: ignore[type-arg]
    def __missing__(self, key: object) -> int:
        return 0


class Text(str):
    __slots__ = ("note",)


class Number(int):
    pass


class Members(set):  # type: ignore[type-arg]
    pass


class Trouble(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Node:
    def __init__(self, name: str) -> None:
        self.name = name
        self.peers: list[Node] = []


def double(x: int) -> int:
    return 2 * x


def scaled(x: int, *, by: int = 2) -> int:
    return x * by
