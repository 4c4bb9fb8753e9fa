"""`python -m assetctl`: the same as the `assetctl` command."""

import sys

from assetctl.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
