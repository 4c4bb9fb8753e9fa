"""The folders import in one direction, each heavy library has one owner, and files stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ["assets", "lineage", "storage", "engine", "integrations", "cli"]  # each may import itself and those before it
OWNERS = {  # library -> the files that may know it
    "duckdb": ("storage/lineage_store/duck.py",),
    "click": ("cli/",),
    "mlflow": ("integrations/mlflow.py",),
}
NOT_FOR_CLI = ("assetctl.storage",)  # what people see comes out of use cases in engine/
DECIDERS = {"decide", "judge", "make_plan", "provenance_of", "resolve", "usable_traces"}  # of lineage/; not for cli/
MAX_LINES = 400
FILES = [path for layer in LAYERS for path in sorted((ROOT / layer).rglob("*.py"))]


def imports(source: str) -> list[str]:
    """Return the dotted names a module imports, wherever the import stands; `from assetctl import x` as `assetctl.x`."""
    imported = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            imported += [f"{module}.{alias.name}" for alias in node.names] if module == "assetctl" else [module]
    return imported


def flaws(file: str, source: str) -> list[str]:
    """Return what is wrong with the imports of `file`, a path relative to the repository."""
    rank = LAYERS.index(file.split("/", maxsplit=1)[0])
    return [f"{file} imports {name}: {flaw}" for name in imports(source) if (flaw := _flaw(file, rank, name))]


def _flaw(file: str, rank: int, name: str) -> str | None:
    first, _, rest = name.partition(".")
    if name.startswith("."):
        return "relative imports hide the layer"
    if first in LAYERS:
        return "a bare name is a second copy of the module"
    if first in OWNERS and not file.startswith(OWNERS[first]):
        return f"only {OWNERS[first][0]} knows {first}"
    if file.startswith("cli/") and name.startswith(NOT_FOR_CLI):
        return "the command line asks engine/"
    if first == "assetctl":
        layer = rest.split(".")[0]
        if layer in LAYERS:
            return "a higher layer" if LAYERS.index(layer) > rank else None
        return None if layer in {"", "__version__"} else "the public names are for users; import from the name's home"
    return None


def test_the_folders_import_downwards_only():
    broken = [flaw for path in FILES for flaw in flaws(path.relative_to(ROOT).as_posix(), path.read_text())]
    assert not broken, "\n".join(broken)


def decisions(source: str) -> list[str]:
    """Return where a module of the command line decides, or reaches past the use cases of `Project`."""
    breaches = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("assetctl.lineage"):
            breaches += [f"{node.lineno}: imports {alias.name}" for alias in node.names if alias.name in DECIDERS]
        elif isinstance(node, ast.Attribute) and node.attr in {"workspace", "stores"}:
            breaches.append(f"{node.lineno}: .{node.attr}")
    return breaches


def test_the_command_line_decides_nothing():
    broken = {path.relative_to(ROOT).as_posix(): decisions(path.read_text()) for path in (ROOT / "cli").rglob("*.py")}
    assert {file: breaches for file, breaches in broken.items() if breaches} == {}


@pytest.mark.parametrize(
    "source",
    [
        "from assetctl.lineage.deciding.staleness import Demand, judge",
        "if TYPE_CHECKING:\n    from assetctl.lineage.deciding.plan import make_plan",
        "def command(session):\n    session.project.workspace.layout",
        "def command(project):\n    return project.stores",
    ],
)
def test_each_way_to_decide_is_seen(source):
    assert len(decisions(source)) == 1


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("lineage/deciding/plan.py", "from assetctl.engine import run"),
        ("cli/commands/gc.py", "from assetctl.storage.care.gc import plan_gc"),
        (
            "cli/text/render_table.py",
            "if TYPE_CHECKING:\n    from assetctl.storage.lineage_store.user_sql import Answer",
        ),
        ("lineage/deciding/plan.py", "def f():\n    import assetctl.storage.blobs.blobs"),
        ("lineage/deciding/plan.py", "import assets.ids"),
        ("cli/text/render.py", "from lineage import plan"),
        ("engine/runs/loop.py", "import duckdb"),
        ("storage/blobs/blobs.py", "import duckdb.typing"),
        ("engine/runs/loop.py", "import click"),
        ("cli/text/render.py", "from assetctl import asset"),
        ("cli/text/render.py", "from . import main"),
    ],
)
def test_each_kind_of_wrong_import_is_seen(file, source):
    assert len(flaws(file, source)) == 1


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            "cli/main.py",
            "import click\nfrom assetctl import __version__\nfrom assetctl.lineage.deciding.plan import make_plan",
        ),
        ("storage/lineage_store/duck.py", "import duckdb"),
        ("engine/runs/loop.py", "from assetctl.engine.runs.retry import attempt\nimport json"),
    ],
)
def test_right_imports_pass(file, source):
    assert flaws(file, source) == []


def test_files_stay_small():
    long = {
        path.relative_to(ROOT).as_posix(): n_lines
        for path in FILES
        if (n_lines := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert not long, f"over {MAX_LINES} lines; give each job a file of its own: {long}"


def test_each_code_folder_is_linked_by_a_relative_link():
    for layer in LAYERS:
        link = ROOT / "assetctl" / layer
        assert link.is_symlink(), f"{link} is not a symbolic link: was the checkout made with core.symlinks=false?"
        assert link.readlink() == Path("..") / layer


@pytest.mark.parametrize(
    ("statement", "banned"),
    [
        ("import assetctl", {"typing", "re", "json", "importlib.metadata", "click", "pyarrow"}),
        ("from assetctl import asset, source, check, columns", {"pyarrow", "numpy", "sqlalchemy", "duckdb", "click"}),
    ],
)
def test_starting_up_imports_nothing_heavy(statement, banned):
    # -S and -I: what the environment's own start-up files import is not ours.
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {statement}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert not banned & set(loaded.split())
