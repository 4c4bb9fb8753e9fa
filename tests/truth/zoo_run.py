"""Print what becomes of the specimens of the zoo, a line of JSON each: `python -m tests.truth.zoo_run FOLDER [FAMILY]...`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from tests.truth.zoo import families, quietly

if __name__ == "__main__":
    wanted = set(sys.argv[2:])
    for family, zoo in families().items():
        for name, (make, edit) in zoo.items():
            if not wanted or family in wanted or name in wanted:
                seen = quietly(Path(sys.argv[1]), make, edit)
                print(json.dumps([family, name, asdict(seen)]), flush=True)
