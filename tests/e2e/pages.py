"""A page of documentation whose commands are run: what its blocks are, and how their output is compared.

A comment above a block says what it is:

    <!-- run: FOLDER -->      commands (`console`) or Python (`pycon`), run below that folder, in the order of the page
    <!-- file: PATH -->       written there when the page gets to it
    <!-- excerpt: PATH -->    what the file holds at that point; a line `...` stands for text left out
    <!-- demo -->             what `./dev demo` prints; compared by its own test

`<!-- start: FOLDER -->` stands alone: below the folder is then the project of `assetctl init`, materialized.
In an output, a line `...` stands for lines left out.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"<!-- (\w+)(?:: (\S+))? -->\n(?:```(\w+)\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
VARYING = [  # what differs from run to run or between machines, and what stands for it when lines are compared
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "DATE"),
    (r"since \d{4}-\d\d-\d\d", "since DATE"),
    (r"run [0-9a-z]{26}", "run RUN"),
    (r"\b(\d+ m )?\d+(\.\d+)? (ms|s)\b", "TIME"),
    (r"\b\d+(\.\d+)? (kB|B)\b", "SIZE"),
    (r"\b[0-9a-f]{32}\b", "ID"),
    (r" +", " "),
]


@dataclass(frozen=True)
class Block:
    """One marked block of a page; `language` and `text` are empty where the mark stands alone."""

    kind: str
    name: str
    language: str
    text: str

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The commands of a console block, each with the output that the page promises."""
        return COMMAND.findall(self.text)


def blocks(page: str) -> list[Block]:
    return [Block(*parts) for parts in BLOCK.findall(page)]


def comparable(text: str) -> list[str]:
    """Return the lines of an output that count, without what varies."""
    for pattern, word in VARYING:
        text = re.sub(pattern, word, text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def mismatch(promised: str, printed: str) -> str:
    """Return what of the promised output was not printed; nothing if all was, in order and without gaps but `...`."""
    wanted, lines = comparable(promised), comparable(printed)
    at, may_skip = 0, False
    for line in wanted:
        if line == "...":
            may_skip = True
            continue
        hits = [i for i in range(at, len(lines)) if lines[i] == line][:1] if may_skip else [at]
        if not hits or hits[0] >= len(lines) or lines[hits[0]] != line:
            return f"promised  {line}\nprinted   {lines[at:] or '(nothing more)'}"
        at, may_skip = hits[0] + 1, False
    return "" if may_skip or at == len(lines) else f"printed besides: {lines[at:]}"


@dataclass
class Reader:
    """Someone who follows one page: writes its files, runs its commands, and compares what they print."""

    tmp: Path
    starter: Path | None = None  # the project of `assetctl init`, materialized; copied where a page starts with it
    variables: Mapping[str, str] = field(default_factory=dict)
    places: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.tmp / "bin").mkdir()
        for name, words in (("assetctl", "-m assetctl "), ("python", "")):
            tool = self.tmp / "bin" / name
            tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {words}"$@"\n')
            tool.chmod(0o755)
        self.environment = os.environ | {
            "PATH": f"{self.tmp / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
            "PLACE": str(self.tmp / "place"), "HOME": str(self.tmp / "home"),
            "XDG_CONFIG_HOME": str(self.tmp / "home" / ".config"), "NO_COLOR": "1", "COLUMNS": "100", "PYTHONUTF8": "1",
            "GIT_CONFIG_GLOBAL": os.devnull, **self.variables,
        }  # fmt: skip

    def follow(self, page: str) -> list[str]:
        """Do what the page says and return what it says wrongly, up to the first command that disappoints."""
        for block in blocks(page):
            wrong = self.do(block)
            if wrong:
                return [wrong]
        return []

    def do(self, block: Block) -> str:
        path = self.tmp / block.name
        match block.kind:
            case "file":
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
            case "excerpt":
                parts = re.split(r"^\.\.\.\n", block.text, flags=re.MULTILINE)
                text = path.read_text(encoding="utf-8")
                return next((f"not in {block.name}:\n{part}" for part in parts if part.strip("\n") not in text), "")
            case "start":
                assert self.starter is not None
                shutil.copytree(self.starter, path)
            case "run" if block.language == "console":
                return next(filter(None, (self.wrong(*asked, block.name) for asked in block.commands)), "")
            case "run":
                (self.tmp / "page.txt").write_text(block.text, encoding="utf-8")
                return self.run(f"python -m doctest {shlex.quote(str(self.tmp / 'page.txt'))}", block.name)
        return ""

    def wrong(self, command: str, promised: str, name: str) -> str:
        difference = mismatch(promised, self.run(command, name))
        return difference and f"$ {command}\n{difference}"

    def run(self, command: str, name: str) -> str:
        """Run one command as a shell would, stay where it leads, and return all that it prints.

        A command that ends with `# exit code N` is expected to end with that code.
        """
        (self.tmp / "home").mkdir(exist_ok=True)
        start = self.tmp / name
        asked = f'{command}\ncode=$?; pwd > "$PLACE"; exit $code'
        done = subprocess.run(
            ["bash", "-c", asked], cwd=self.places.get(name, start if start.is_dir() else self.tmp),
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
            timeout=600, check=False,
        )  # fmt: skip
        expected = re.search(r"# exit code (\d+)$", command)
        assert done.returncode == (int(expected[1]) if expected else 0), f"$ {command}\n{done.stdout}"
        self.places[name] = Path((self.tmp / "place").read_text().strip())
        return done.stdout
