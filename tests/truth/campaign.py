"""The campaign: generated projects, a random edit each, and the comparison with a clean build of the same files.

`python -m tests.truth.campaign --seed 1 --edits 300` runs it alone; `--world N` only one of its projects. A project
whose edit gave a wrong value is left on disk, and how to repeat it is printed.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.truth.projects import Edit, World
from tests.truth.server import Said, Server
from tests.truth.shape import Content, Shape

EDITS_OF_A_WORLD = 12
_STARTED = re.compile(r"^▸ (\S.*?)  (.*)$", re.MULTILINE)


@dataclass
class Tally:
    """What a campaign found."""

    n_edits: int = 0
    n_needed: int = 0
    n_steps: int = 0  # steps there were, over all edits
    n_ran: int = 0
    wrong: list[str] = field(default_factory=list)
    needless: list[str] = field(default_factory=list)
    n_remembered: int = 0  # commands that were answered from memory
    seconds: float = 0.0

    def __str__(self) -> str:
        share = 100 * len(self.needless) / max(self.n_ran, 1)
        return (
            f"{self.n_edits} edits ({self.n_needed} of them change something), {self.n_steps} verdicts, {self.n_ran} steps ran: "
            f"{len(self.wrong)} wrong, {len(self.needless)} needless ({share:.2f} % of what ran), "
            f"{self.n_remembered} answered from memory, {self.seconds:.0f} s"
        )

    def add(self, other: Tally) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


class Trial:
    """One generated project on disk, before and after each of its edits."""

    def __init__(
        self, folder: Path, seed: int | str, servers: tuple[Server, Server], kinds: list[type[Shape]] | None
    ) -> None:
        self.seed = seed
        self.servers = servers
        self.world = World.made(seed, kinds, sys.version_info[:2])
        self.chance = random.Random(seed)  # of its own: the same edits, whatever else is tried between them
        self.root = folder / "world"
        self.clean = folder / "clean"
        self.root.mkdir(parents=True)
        self.written: dict[str, Content] = {}
        self.values: dict[str, str] = {}
        self.upstream: dict[str, tuple[str, ...]] = {}
        self.tally = Tally()
        self.history: list[str] = []
        self.is_primed = False  # that nothing is to be done may be remembered

    def begin(self) -> None:
        """Build the project for the first time."""
        self.written = self.world.write(self.root)
        self._materialize()
        self.values = self._values()
        self._compare(Edit("first build"), self.values, self._clean_values(), {})
        self.tally = Tally(wrong=self.tally.wrong)

    def step(self) -> None:
        """Edit, plan, materialize, and compare."""
        edit = self.world.edit()
        self.history.append(edit.what)
        self.written = self.world.write(self.root, self.written)
        planned = {s["asset"]: s["verdict"] for s in self._ask(0, "plan", "--json").json["steps"]}
        ran = self._materialize()
        values = self._values()
        right = self._clean_values()
        self._compare(edit, values, right, planned)
        self._judge_work(edit, ran, values)
        surprising = {key for key in ran if planned.get(key) == "fresh"}
        if surprising:
            self._say(self.tally.wrong, edit, f"planned as fresh and yet run: {surprising}")
        self.tally.n_edits += 1
        self.tally.n_needed += edit.is_needed
        self.tally.n_steps += len(values)
        self.tally.n_ran += len(ran)
        self.values = values
        self._prime()

    def _ask(self, which: int, *words: str, folder: Path | None = None) -> Said:
        server = self.servers[(which + len(self.history)) % 2]
        said = server.ask(folder or self.root, *words, env=self.world.environment())
        assert said.code == 0, f"{words} gave {said.code}\n{said.out}\n{said.err}"
        return said

    def _materialize(self) -> dict[str, str]:
        """Bring everything up to date, and return what ran, with the reasons."""
        if self.is_primed:
            said = self._ask(1, "materialize")
            self.tally.n_remembered += "succeeded in" in said.err and "  run " not in said.err
            return {key: why for keys, why in _STARTED.findall(said.err) for key in keys.split(", ")}
        events = self._ask(1, "materialize", "--json").events
        started = [event for event in events if event["event"] == "step_started"]
        return {key: str(event["reasons"]) for event in started for key in event["outputs"]}

    def _prime(self) -> None:
        """Let some commands remember that there is nothing to do, as they would for a person who waits a moment."""
        self.is_primed = self.chance.random() < 0.3
        if self.is_primed:
            ran = self._materialize() | self._materialize()
            if ran:
                self._say(self.tally.needless, Edit("nothing"), f"ran although nothing changed: {ran}")

    def _values(self) -> dict[str, str]:
        told: dict[str, str] = self._ask(0, "values").json
        return told

    def _clean_values(self) -> dict[str, str]:
        shutil.rmtree(self.clean, ignore_errors=True)
        self.world.write(self.clean)
        right: dict[str, str] = self._ask(1, "clean", folder=self.clean).json
        if self.chance.random() < 0.5:
            called: dict[str, str] = self._ask(0, "plain", folder=self.clean).json
            not_plain = {f"{shape.me}_" for shape in self.world.shapes if not shape.is_plain}
            for key, value in called.items():
                if value != right[key] and not any(key.startswith(prefix) for prefix in not_plain):
                    self._say(self.tally.wrong, Edit("a clean build"), f"{key} is {right[key]}, called {value}")
        return right

    def _compare(
        self, edit: Edit, values: Mapping[str, str], right: Mapping[str, str], planned: Mapping[str, str]
    ) -> None:
        for key in sorted(values.keys() | right.keys()):
            if values.get(key) != right.get(key):
                told = f"{key} (planned: {planned.get(key)}) is {values.get(key)}, clean {right.get(key)}"
                self._say(self.tally.wrong, edit, told)

    def _judge_work(self, edit: Edit, ran: Mapping[str, str], values: Mapping[str, str]) -> None:
        """Count what ran although neither the edit nor a changed upstream reaches it."""
        changed = {key for key in values if values[key] != self.values.get(key)}
        if ran.keys() - edit.reaches:
            self.upstream = self._ask(0, "upstream").json
        for key, why in ran.items():
            if key not in edit.reaches and key in self.values and not changed.intersection(self.upstream[key]):
                self._say(self.tally.needless, edit, f"{key} ran: {why}")

    def _say(self, kind: list[str], edit: Edit, told: str) -> None:
        kind.append(f"seed {self.seed}, edit {len(self.history)} ({edit.what}): {told}")
        name = "WRONG" if kind is self.tally.wrong else "needless"
        print(f"{name}: {kind[-1]}", flush=True)

    def say_wrong(self, told: str) -> None:
        self._say(self.tally.wrong, Edit(self.history[-1] if self.history else "first build"), told)

    def where(self) -> str:
        """Say what the project is, where it lies, and how to repeat it."""
        seed, _, number = str(self.seed).partition("-")
        again = f"python -m tests.truth.campaign --seed {seed} --world {number}"
        edits = "\n  ".join(self.history)
        shapes = "\n  ".join(map(repr, self.world.shapes))
        return f"world {self.seed} in {self.root}\n  {shapes}\nedits:\n  {edits}\nagain: {again}"


@contextmanager
def two_servers(*, have_libraries: bool = True) -> Iterator[tuple[Server, Server]]:
    """Start two servers with different seeds of hashes."""
    servers = (Server(1, has_libraries=have_libraries), Server(4, has_libraries=have_libraries))
    try:
        yield servers
    finally:
        for server in servers:
            server.close()


def run_campaign(
    folder: Path,
    seed: int,
    n_edits: int,
    *,
    world: int | None = None,
    kinds: list[type[Shape]] | None = None,
    edits_of_a_world: int = EDITS_OF_A_WORLD,
    jobs: int = 1,
) -> Tally:
    """Edit generated projects until there were so many edits, `jobs` projects at a time, and return what was found."""
    print(f"truth campaign: seed {seed}, {n_edits} edits, in {folder}", flush=True)
    total = Tally()
    numbers = range(-(-n_edits // edits_of_a_world)) if world is None else [world]
    with two_servers(have_libraries=kinds is None) as servers, ThreadPoolExecutor(jobs) as pool:

        def run(number: int) -> Tally:
            n_left = n_edits - edits_of_a_world * number if world is None else n_edits
            trial = Trial(folder / f"world-{seed}-{number}", f"{seed}-{number}", servers, kinds)
            return _run_world(trial, min(edits_of_a_world, n_left))

        for tally in pool.map(run, numbers):
            total.add(tally)
            print(f"so far: {total}", flush=True)
    return total


def _run_world(trial: Trial, n_edits: int) -> Tally:
    began = time.monotonic()
    try:
        trial.begin()
        for _ in range(n_edits):
            trial.step()
    except AssertionError as error:
        trial.say_wrong(f"stopped: {error}")
    trial.tally.seconds = time.monotonic() - began
    if trial.tally.wrong:
        print(trial.where(), flush=True)
    else:
        shutil.rmtree(trial.root.parent)
    return trial.tally


def main() -> int:
    """Run a campaign from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("--world", type=int)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="truth-"))
    tally = run_campaign(folder, given.seed, given.edits, world=given.world, jobs=given.jobs)
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
