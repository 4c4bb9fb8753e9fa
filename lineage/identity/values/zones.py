"""Identity of pytz's zones: their name, and the offset that a localized one stands for.

DuckDB and older versions of pandas hand times out in them. `pandas_frames.py` takes them
for the zones of the standard library, since a pandas time says its instant apart.
"""

from __future__ import annotations

import datetime
from typing import Any

import pytz.tzinfo

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import Encoder, Walk, is_of

_MICROSECOND = datetime.timedelta(microseconds=1)


def _write(walk: Walk, out: Framed, value: Any) -> None:
    if not is_of(type(value), "pytz") or value.zone is None:
        walk.refuse(value)
    out.tag("pytz").text(value.zone)
    for part in (getattr(value, "_utcoffset", None), getattr(value, "_dst", None)):
        out.none() if part is None else out.integer(part // _MICROSECOND)
    out.text(getattr(value, "_tzname", None) or "")


def _write_fixed(walk: Walk, out: Framed, value: Any) -> None:
    out.tag("pytz offset").integer(value.utcoffset(None) // _MICROSECOND)


def encoders() -> dict[type, Encoder]:
    """Return how pytz's zones are written."""
    return {
        pytz.tzinfo.BaseTzInfo: Encoder(_write, whole=True),
        type(pytz.FixedOffset(60)): Encoder(_write_fixed, whole=True),
    }
