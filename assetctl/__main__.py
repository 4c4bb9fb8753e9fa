"""`python -m assetctl`: the same as the `assetctl` command."""

import os
import sys

if sys.path and sys.path[0] in ("", os.getcwd()):  # noqa: PTH109  no more imports than needed
    del sys.path[0]  # a `random.py` beside the person is not what the standard library means

from assetctl.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
