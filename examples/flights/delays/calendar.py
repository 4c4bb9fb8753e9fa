"""Plain functions about times of the day."""

import pandas as pd

MORNING_ENDS = 10
EVENING_STARTS = 17


def part_of_day(hour: pd.Series) -> pd.Series:
    """Return "morning", "midday" or "evening" for hours 0 to 23."""
    parts = pd.Series("midday", index=hour.index, dtype="str")
    parts[hour < MORNING_ENDS] = "morning"
    parts[hour >= EVENING_STARTS] = "evening"
    return parts
