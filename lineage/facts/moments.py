"""The times in facts. They are text, which may have come from a damaged journal or another machine."""

from __future__ import annotations

from datetime import UTC, datetime


def moment_of(text: str) -> datetime | None:
    """Return an aware UTC time (text without a zone is UTC), or None for text that is not a valid time."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # at the ends of the calendar, the same time in UTC is outside it
        return None
