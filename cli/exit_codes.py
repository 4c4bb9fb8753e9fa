"""Exit codes that no error class carries; `assets/errors.py` has the others."""

USAGE = 2
BUG = 70
INTERRUPTED = 130
TERMINATED = 143
