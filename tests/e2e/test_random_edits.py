"""Random edits of random graphs: after every run all values equal those of a clean build, and nothing is left to do.

Between the edits people do what they do: lose bytes, clean up, go back to a version, rename, forget, kill. The clean build runs in a fresh folder with the same files. Both happen in this process;
the last state of each world is also asked of the command line.
"""

from __future__ import annotations

import copy
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assetctl.assets.errors import AssetctlError
from assetctl.engine.project import Project
from tests.e2e.projects import DiskProject

NAMES = ["a", "b", "c", "d", "e", "f", "g"]


@dataclass
class Texts:
    """What the files of a world say; by asset: what it reads, its kind and constant, its parameter, its comment."""

    data: int = 3
    helper: int = 2
    unused: int = 0
    failing: str | None = None
    reads: dict[str, list[str]] = field(default_factory=dict)
    bodies: dict[str, tuple[str, int]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # what an asset is called now, where that is not its first name


class RandomWorld:
    """A project of some assets over a file and a helper module, and the texts that random edits give it."""

    def __init__(self, folder: Path, seed: int, *, may_kill: bool = False) -> None:
        self.choose = random.Random(seed)
        self.may_kill = may_kill
        self.folder = folder
        self.project = DiskProject(folder / "world")
        self.now = Texts()
        self.before: list[Texts] = []
        self.n_renamed = 0
        for n, name in enumerate(NAMES[: self.choose.randint(5, 7)]):
            self.now.reads[name] = sorted(self.choose.sample(NAMES[:n], min(n, self.choose.randint(0, 2))))
            self.now.sizes[name] = 1
            self.edit_body(name)

    # --- text --------------------------------------------------------------------------------

    def write(self, project: DiskProject) -> None:
        project.file("data.txt", str(self.now.data))
        lines = f"FACTOR = {self.now.helper}\nUNUSED = {self.now.unused}\n\n\ndef scale(x):\n    return x * FACTOR\n"
        project.file("helpers.py", lines)
        project.head.clear()
        project.assets.clear()
        project.top('import helpers\nfrom ran_log import HERE\ndata = source.file("data.txt")')
        for name, reads in self.now.reads.items():
            parameters = ", ".join([*(reads or ["data"]), f"size={self.now.sizes[name]}"])
            renamed = {read: self.now.keys[read] for read in reads if read in self.now.keys}
            options = f"key={self.key(name)!r}, ins={renamed}" if renamed or name in self.now.keys else ""
            project.asset(
                name, self.now.comments.get(name, "") + self._body(name, reads), reads=parameters, options=options
            )

    def key(self, name: str) -> str:
        return self.now.keys.get(name, name)

    def _body(self, name: str, reads: list[str]) -> str:
        kind, constant = self.now.bodies[name]
        values = " + ".join(f"total({key})" for key in reads) or "int(data.read_text())"
        results = {
            "sum": f"value = {values} + {constant} + size",
            "parity": f"value = ({values} + {constant}) % 2",  # often equal after an edit: early cutoff
            "scaled": f"value = helpers.scale({values}) + {constant}",
            "long": f"value = [({values}) % 7 + {constant}] * (2000 + size)",  # kept as a blob
        }
        total = "def total(x):\n    return sum(x) if isinstance(x, list) else x\n"
        failure = "if not (HERE / 'never').exists():\n    raise ValueError('no')\n" if name == self.now.failing else ""
        return f"{total}{failure}{results[kind]}\nreturn value"

    # --- edits -------------------------------------------------------------------------------

    def edit(self) -> str:
        """Change something, at random, and return what."""
        edits: list[Callable[[], None]] = [
            self.edit_body,
            self.edit_body,
            self.edit_helper,
            self.edit_data,
            self.edit_reads,
            self.edit_config,
            self.comment,
            self.edit_unused,
            self.touch,
            self.lose_a_blob,
            self.fail,
            self.rename,
            self.forget,
            self.go_back_for_a_while,
            self.clean_up,
            self.fold_anew,
            self.undo,
            self.undo,
        ]
        if self.may_kill:
            edits.append(self.kill)
        chosen = self.choose.choice(edits)
        if chosen != self.undo:
            self.remember()
        chosen()
        self.write(self.project)
        return chosen.__name__

    def remember(self) -> None:
        self.before.append(copy.deepcopy(self.now))

    def undo(self) -> None:
        if self.before:
            self.now = self.before.pop(self.choose.randrange(len(self.before)))

    def pick(self) -> str:
        return self.choose.choice(list(self.now.reads))

    def edit_body(self, name: str | None = None) -> None:
        self.now.bodies[name or self.pick()] = (
            self.choose.choice(["sum", "parity", "scaled", "long"]),
            self.choose.randint(0, 3),
        )

    def edit_helper(self) -> None:
        self.now.helper = self.choose.randint(1, 4)

    def edit_data(self) -> None:
        self.now.data = self.choose.randint(0, 9)

    def edit_reads(self) -> None:
        name = self.choose.choice(list(self.now.reads)[1:])
        earlier = list(self.now.reads)[: list(self.now.reads).index(name)]
        self.now.reads[name] = sorted(self.choose.sample(earlier, self.choose.randint(0, min(2, len(earlier)))))

    def edit_config(self) -> None:
        self.now.sizes[self.pick()] = self.choose.randint(1, 3)

    def comment(self) -> None:
        self.now.comments[self.pick()] = f"# said {self.choose.random()}\n"

    def edit_unused(self) -> None:
        self.now.unused += 1

    def touch(self) -> None:
        for path in self.project.root.glob("*.*"):
            path.touch()

    def lose_a_blob(self) -> None:
        blobs = self.project.blobs()
        if blobs:
            self.choose.choice(blobs).unlink()

    def fail(self) -> None:
        self.now.failing = self.pick()

    def rename(self) -> None:
        """Give an asset a new name, with its history: nothing may run for that."""
        name = self.pick()
        old = self.key(name)
        self.n_renamed += 1
        self.now.keys[name] = new = f"{name}_{self.n_renamed}"
        self.write(self.project)
        self.before.clear()  # what was undone would have the old name again
        with self.project.open() as project:
            project.move(old, new)
            assert project.load(new) is not None
        assert self.project.build() == []

    def forget(self) -> None:
        """Forget an asset: it is made again, which gives the same."""
        key = self.key(self.pick())
        with self.project.open() as project:
            project.forget(key)
            assert [type(reason).__name__ for reason in project.plan(key)[key].reasons][:1] == ["NeverMaterialized"]

    def go_back_for_a_while(self) -> None:
        """Serve an earlier version: the asset is left alone, whatever is edited, until the pin is lifted."""
        name = self.pick()
        key = self.key(name)
        with self.project.open() as project:
            versions = [e for e in project.history(key, limit=20) if e.asset == key]
            present = [e for e in versions if self._is_readable(project, key, e.materialization_id)]
            chosen = self.choose.choice(present)
            served = project.load(key, chosen.materialization_id)
            project.rollback(key, chosen.materialization_id)
        self.edit_body(name)
        self.write(self.project)
        assert name not in self.project.build()
        assert self.project.value(key) == served
        with self.project.open() as project:
            project.rollback(key)

    def _is_readable(self, project: Project, key: str, version: str) -> bool:
        try:
            project.load(key, version)
        except AssetctlError:
            return False
        return True

    def clean_up(self) -> None:
        assert self.project.run("gc", "--keep-last", "1", "--apply").code == 0

    def fold_anew(self) -> None:
        assert self.project.run("doctor", "--rebuild").code == 0

    def kill(self) -> None:
        """Edit, and kill the run that follows at any moment."""
        self.edit_body()
        self.write(self.project)
        process = self.project.start("materialize")
        try:
            process.wait(timeout=self.choose.uniform(0.05, 1.5))
        except subprocess.TimeoutExpired:
            self.project.stop_all()

    # --- the oracle --------------------------------------------------------------------------

    def run_and_compare(self) -> None:
        if self.now.failing is not None:
            self.project.build(status="failed")
            self.now.failing = None
            self.write(self.project)
        self.project.build()
        self.project.build(
            *map(self.key, self.now.reads)
        )  # by name: bytes that are lost are made again only where they are asked for
        clean = DiskProject(self.folder / "clean")
        self.write(clean)
        clean.build()
        assert self.values(self.project) == self.values(clean)
        shutil.rmtree(clean.root)
        with self.project.open() as project:
            assert project.plan().is_fresh
        assert self.project.build() == []

    def values(self, project: DiskProject) -> dict[str, object]:
        with project.open() as opened:
            return {name: opened.load(self.key(name)) for name in self.now.reads}


def run_world(folder: Path, seed: int, n_steps: int, *, may_kill: bool = False) -> None:
    world = RandomWorld(folder, seed, may_kill=may_kill)
    world.write(world.project)
    history = ["built"]
    for _ in range(n_steps):
        try:
            world.run_and_compare()
        except Exception as error:
            error.add_note(f"seed {seed}: {', '.join(history)}")
            raise
        history.append(world.edit())
    world.run_and_compare()
    assert world.project.materialize().ran == []


@pytest.mark.parametrize("seed", [1, 3])
def test_random_edits_give_what_a_clean_build_gives(tmp_path, seed):
    run_world(tmp_path, seed, 4)


@pytest.mark.parametrize("what", ["rename", "forget", "go_back_for_a_while", "clean_up", "fold_anew", "kill"])
def test_whatever_people_do_between_edits_the_values_are_those_of_a_clean_build(tmp_path, what):
    world = RandomWorld(tmp_path, 11, may_kill=True)
    world.write(world.project)
    world.project.build()
    world.edit_body()
    world.write(world.project)
    world.project.build()
    getattr(world, what)()
    world.write(world.project)
    world.run_and_compare()
    assert world.project.materialize().ran == []


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 120))
def test_soak_many_random_edits_give_what_a_clean_build_gives(tmp_path, seed):
    run_world(tmp_path, seed, 50, may_kill=True)


def test_neutral_edits_run_nothing(tmp_path):
    world = RandomWorld(tmp_path, 7)
    world.write(world.project)
    world.project.build()
    for neutral in (world.comment, world.edit_unused, world.touch, world.comment):
        neutral()
        world.write(world.project)
        assert world.project.build() == [], neutral.__name__
