"""What follows from pins, renames and removals: which pins hold, which names and records are an asset's own.

Pure. Order is the position in the journal, never a clock, and seeing a fact twice changes
nothing. The lineage store answers with these functions, and garbage collection applies
them to the journal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from assetctl.assets.ids import AssetKey, PartitionKey, Target, whole
from assetctl.lineage.facts.records import (
    Fact,
    Forgotten,
    MaterializationId,
    Pinned,
    Position,
    Purpose,
    Renamed,
    Unpinned,
)

_Pins = dict[tuple[Target, Purpose], dict[MaterializationId, tuple[Position, Pinned]]]


def pins_in_force(facts: Iterable[tuple[Position, Fact]]) -> tuple[Pinned, ...]:
    """Return the pins that nothing has lifted, oldest first, each under the name its asset has now.

    A new pin to serve takes the place of the one before. Forgetting an asset lifts its
    pins; renaming it takes them along.
    """
    pins: _Pins = {}
    for position, fact in _in_order(facts):
        match fact:
            case Pinned(target, made, _, purpose):
                held = pins.setdefault((target, purpose), {})
                if purpose is Purpose.SERVE:
                    held.clear()
                held[made] = (position, fact)
            case Unpinned(target, purpose, None):
                pins.pop((target, purpose), None)
            case Unpinned(target, purpose, made) if made is not None:
                pins.get((target, purpose), {}).pop(made, None)
            case Forgotten(targets):
                for key in [key for key in pins if is_among(key[0], targets)]:
                    del pins[key]
            case Renamed(old, new):
                _carry_over(pins, old, new)
            case _:
                continue
    return tuple(pin for _, pin in sorted((p for held in pins.values() for p in held.values()), key=lambda p: p[0]))


def former_names(facts: Iterable[tuple[Position, Fact]]) -> dict[AssetKey, tuple[AssetKey, ...]]:
    """Return the names that renamed assets had, by the name they have now, oldest first.

    The first is the name that digests go by, so it stays the first even of an asset that
    has it again. A name that was given up and taken by another asset is among the former
    names of the first and not of the second.
    """
    former: dict[AssetKey, tuple[AssetKey, ...]] = {}
    for _, fact in _in_order(facts):
        if isinstance(fact, Renamed):
            names = dict.fromkeys((*former.pop(fact.old, ()), fact.old))
            former[fact.new] = tuple(names)
    return former


@dataclass(frozen=True, slots=True)
class Span:
    """What an asset recorded under one of its names: after `since` (None: from the beginning), before `until`.

    Of all its partitions, or of one.
    """

    asset: AssetKey
    since: Position | None
    until: Position | None
    partition: PartitionKey | None = None

    def covers(self, target: Target, position: Position) -> bool:
        """Say whether a record of this target, at this place, is within the span."""
        is_after = self.since is None or self.since < position
        is_of = target.asset == self.asset and self.partition in (None, target.partition_key)
        return is_of and is_after and (self.until is None or position < self.until)


def name_spans(
    facts: Iterable[tuple[Position, Fact]], key: AssetKey, until: Position | None = None
) -> tuple[Span, ...]:
    """Return where an asset's records lie, newest name first: under its name, and under those it had before.

    A name that another asset gave up counts from then on. `until` asks for the asset that
    had the name at that place.
    """
    renames = [(position, fact) for position, fact in _in_order(facts) if isinstance(fact, Renamed)]
    spans: list[Span] = []
    while True:
        before = [placed for placed in renames if until is None or placed[0] < until]
        since = next((position for position, fact in reversed(before) if fact.old == key), None)
        spans.append(Span(key, since, until))
        came = [p for p in before if p[1].new == key and (since is None or since < p[0])]
        if not came:
            return tuple(spans)
        key, until = came[-1][1].old, came[-1][0]


def forgotten_spans(facts: Iterable[tuple[Position, Fact]]) -> tuple[Span, ...]:
    """Return where the records lie that were forgotten, those under earlier names of the asset included."""
    placed = _in_order(facts)
    return tuple(
        replace(span, partition=target.partition_key)
        for position, fact in placed
        if isinstance(fact, Forgotten)
        for target in dict.fromkeys(fact.targets)
        for span in name_spans(placed, target.asset, position)
    )


def is_among(target: Target, targets: Collection[Target]) -> bool:
    """Say whether a target is one of these: itself, or as a partition of an asset that is named as a whole."""
    return target in targets or whole(target.asset) in targets


def name_now(facts: Iterable[tuple[Position, Fact]], key: AssetKey, position: Position) -> AssetKey:
    """Return the name that the asset recorded under `key` at a place has now."""
    for renamed_at, fact in _in_order(facts):
        if isinstance(fact, Renamed) and fact.old == key and position < renamed_at:
            key = fact.new
    return key


def _carry_over(pins: _Pins, old: AssetKey, new: AssetKey) -> None:
    for target, purpose in [key for key in pins if key[0].asset == old]:
        moved = pins.pop((target, purpose))
        goes_on = Target(new, target.partition_key)
        held = pins.setdefault((goes_on, purpose), {})
        if moved and purpose is Purpose.SERVE:
            held.clear()
        held.update({made: (position, replace(pin, target=goes_on)) for made, (position, pin) in moved.items()})


def _in_order(facts: Iterable[tuple[Position, Fact]]) -> list[tuple[Position, Fact]]:
    return sorted(dict(facts).items(), key=lambda placed: placed[0])
