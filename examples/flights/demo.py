"""The guided demo: build, do nothing, edit a helper, see why, rebuild only that, undo, draw the lineage.

Works on a temporary copy of this folder, which it leaves for you to play with. Each command is printed before its
output, so that all of it can be repeated by hand.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGETS = ["model", "metrics"]
EDITED, BEFORE, AFTER = "delays/calendar.py", "MORNING_ENDS = 10", "MORNING_ENDS = 11"


def main() -> int:
    parser = argparse.ArgumentParser(description="Show what assetctl does on the flights example.")
    parser.add_argument("--folder", type=Path, help="work in this new folder instead of a temporary one")
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp(prefix="assetctl-demo-")) / "flights"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns(".assetctl", "__pycache__"))
    demo = Demo(folder.resolve())
    demo.show()
    return 1 if demo.failed else 0


class Demo:
    """One walk through the example in `folder`; `failed` holds the commands that did not end with 0."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failed: list[str] = []

    def show(self) -> None:
        self.say(f"A copy of the example is in {self.folder}")
        self.title("What would be done, before anything was ever built")
        self.run("plan", *TARGETS)
        self.title("Build the model and its metrics from the raw tables")
        self.run("materialize", *TARGETS)
        self.run("get", "metrics", "-o", "-")
        self.say("")
        self.title("Again: nothing changed, so nothing is done")
        self.run("materialize", *TARGETS)
        self.title("Edit a constant of a helper, in another file than the asset that uses it")
        self.edit(BEFORE, AFTER)
        self.run("plan", *TARGETS)
        self.run("why", "features")
        self.title("Rebuild what the edit reaches; the cleaned table is not among it")
        self.run("materialize", *TARGETS)
        self.title("Undo the edit: what it was before is still there, so nothing is computed")
        self.edit(AFTER, BEFORE)
        self.run("materialize", *TARGETS)
        self.title("Draw where the model comes from")
        self.run("lineage", "model", "-o", "lineage.svg")
        self.say(f"\nThe lineage is in {self.folder / 'lineage.svg'}")
        self.say(f"Go on by hand: cd {shlex.quote(str(self.folder))} && {typed()} materialize")
        for command in self.failed:
            self.say(f"error: this did not work: {command}")

    def title(self, text: str) -> None:
        self.say(f"\n=== {text}")

    def say(self, text: str) -> None:
        print(text, flush=True)

    def run(self, *arguments: str) -> None:
        """Print a command of assetctl, then run it in the copy."""
        spoken = shlex.join(["assetctl", *arguments])
        self.say(f"\n$ {spoken}")
        code = subprocess.run([assetctl(), *arguments], cwd=self.folder, check=False).returncode
        if code != 0:
            self.failed.append(f"{spoken} (exit {code})")

    def edit(self, before: str, after: str) -> None:
        """Change the helper's file as a person would, and print the equivalent command."""
        self.say(f"\n$ sed -i 's/{before}/{after}/' {EDITED}")
        file = self.folder / EDITED
        text = file.read_text()
        assert text.count(before) == 1, f"{EDITED} should hold `{before}` once"
        file.write_text(text.replace(before, after))


def assetctl() -> str:
    """Return the command beside this Python, else the one on PATH."""
    beside = Path(sys.executable).parent / "assetctl"
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("assetctl")
    if found is None:
        sys.exit("error: `assetctl` is not installed; run ./dev setup, or pip install 'assetctl[ml]'")
    return found


def typed() -> str:
    """Return what a person types for that command: `./dev` puts its folder first on PATH, for this program alone."""
    first, *others = os.environ.get("PATH", "").split(os.pathsep)
    own = [] if Path(first) == Path(sys.executable).parent else [first]
    return "assetctl" if shutil.which("assetctl", path=os.pathsep.join([*own, *others])) else shlex.quote(assetctl())


if __name__ == "__main__":
    sys.exit(main())
