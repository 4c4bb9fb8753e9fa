"""Whether what is read back holds the same types as what was written, where no identity can say more.

Objects may give anything back (`__reduce__` decides); the containers around them are Python's own.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

from assetctl.lineage.identity.values.walk import type_name


def difference(value: object, decoded: object) -> str:
    """Return what is another type in the value that was decoded, in words; "" if nothing is."""
    waiting, seen = [(value, decoded)], set()
    while waiting:
        one, other = waiting.pop()
        if type(one) is not type(other):
            where = "" if one is value else f" for a `{type_name(type(one))}`"
            return f"a `{type_name(type(other))}` back{where}"
        if id(one) in seen:
            continue
        seen.add(id(one))
        if type(one) in (list, tuple) and type(other) in (list, tuple):
            parts = (list(one), list(other))  # type: ignore[call-overload]
        elif type(one) is dict and type(other) is dict:
            parts = (list(chain(*one.items())), list(chain(*other.items())))
        elif type(one) in (set, frozenset):
            if Counter(map(type, one)) != Counter(map(type, other)):  # type: ignore[call-overload]
                return f"back other types in a `{type_name(type(one))}`"
            continue
        else:
            continue
        if len(parts[0]) != len(parts[1]):
            return f"back another number of parts in a `{type_name(type(one))}`"
        waiting.extend(zip(*parts, strict=True))
    return ""
