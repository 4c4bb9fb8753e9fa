"""The times in facts: what is no time costs itself, and is compared with nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assetctl.lineage.facts.moments import moment_of


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T12:00:00+00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T12:00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("0001-01-01T00:00+01:00", None),
        ("9999-12-31T23:59-01:00", None),
        ("0001-01-01T00:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("12", None),
        ("", None),
        ("yesterday", None),
        ("2026-02-30", None),
        ("\ud800", None),
    ],
)
def test_a_time_is_utc_or_none(text, moment):
    assert moment_of(text) == moment
