"""The remembered no-op: answered only while everything it depended on is as it was."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from assetctl.engine.noop.answer import VOLATILE, answer, surroundings
from assetctl.engine.noop.remember import Beginning, remember_noop
from assetctl.engine.planning.options import PlanOptions
from assetctl.engine.project import Project
from assetctl.engine.watching.touched import OF_TERMINALS

ROOT = Path(__file__).parents[2]
FILES = {
    "pyproject.toml": '[tool.assetctl]\nassets = ["pkg/"]\n',
    "pkg/steps.py": (
        "import json\nfrom pathlib import Path\nimport pyarrow as pa\nfrom assetctl import asset, source\n"
        "from helpers import k\n"
        "import os; os.environ['AT_SET_AT_IMPORT'] = 'as many libraries do'\n"
        "CONF = json.loads((Path(__file__).parent.parent / 'conf.json').read_text())\n"
        "s = source.file('data.csv')\nd = source.directory('folder')\ng = source.glob('parts/*.txt')\n"
        "@asset\ndef a(s: pa.Table, d, g):\n    return s\n"
        "@asset\ndef b():\n    import lazy\n    return lazy.L + k() + CONF['n'] + len(Path('seen.txt').read_text())\n"
    ),
    "helpers.py": "def k():\n    return 1\n",
    "lazy.py": "from pathlib import Path\nL = len((Path(__file__).parent / 'lazy.txt').read_text())\n",
    "lazy.txt": "1",
    "conf.json": '{"n": 1}',
    "data.csv": "x\n1\n2\n",
    "folder/one.txt": "1",
    "parts/p1.txt": "1",
    "seen.txt": "seen",
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AT_SOMETHING", "1")
    Project.open(tmp_path).materialize(jobs=1)
    return tmp_path


def remember(root: Path, *selection: str, age_s: float = 10.0) -> bool:
    """Have a no-op remembered, as if everything had lain there for some seconds before."""
    project = Project.open(root)
    result = project.materialize(*selection, jobs=1)
    assert result.is_noop
    began = Beginning(time.time_ns() + int(age_s * 1e9), surroundings(), selection)
    known, n_fresh = result.relied_on, len(result.finished.fresh)
    return remember_noop(project.workspace, known, n_fresh, began, modules_of(root))


def modules_of(root: Path) -> list[ModuleType]:
    """Return what a process of its own would have imported of the project; here the tests' modules are loaded too."""
    return [m for m in list(sys.modules.values()) if str(getattr(m, "__file__", "")).startswith(str(root))]


def test_what_was_remembered_is_answered(root):
    assert answer(["materialize"]) is None
    assert remember(root)
    assert answer(["materialize"]) == "succeeded in 0 ms: 2 fresh"
    assert answer(["materialize", "-j", "4"]) == answer(["build"]) == "succeeded in 0 ms: 2 fresh"
    (file,) = (root / ".assetctl/cache-v1/noop").iterdir()
    assert "cache-v1" not in file.read_text()  # our own caches are always young
    assert remember(root, "a")
    assert answer(["materialize", "a"]) == "succeeded in 0 ms: 1 fresh"


@pytest.mark.parametrize(
    "words",
    [["materialize", "b"], ["materialize", "--force"], ["materialize", "-j", "x"], ["plan"], [], ["materialize", "-q"]],
)
def test_other_commands_are_not_answered(root, words):
    remember(root)
    remember(root, "a")
    assert answer(words) is None


def rewrite_alike(path: Path) -> None:
    """Change a byte and put the times back; only the ctime tells."""
    status = path.stat()
    path.write_text(path.read_text().replace("1", "7"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


CHANGES = {
    "helper edited, same size and mtime": lambda r: rewrite_alike(r / "helpers.py"),
    "asset file edited": lambda r: (r / "pkg/steps.py").write_text("x = 1\n"),
    "settings edited": lambda r: (r / "pyproject.toml").write_text(FILES["pyproject.toml"] + "jobs = 1\n"),
    "new file of assets": lambda r: (r / "pkg/more.py").write_text(""),
    "new module beside": lambda r: (r / "pyarrow.py").write_text(""),
    "file read at import": lambda r: rewrite_alike(r / "conf.json"),
    "file read by an import inside a function": lambda r: rewrite_alike(r / "lazy.txt"),
    "file seen in use": lambda r: (r / "seen.txt").write_text("Seen"),
    "source edited": lambda r: rewrite_alike(r / "data.csv"),
    "source removed": lambda r: (r / "data.csv").unlink(),
    "file in a folder edited": lambda r: rewrite_alike(r / "folder/one.txt"),
    "file in a folder added": lambda r: (r / "folder/two.txt").write_text(""),
    "file of a glob added": lambda r: (r / "parts/p2.txt").write_text(""),
    "blob lost": lambda r: next((r / ".assetctl/blobs-v1").rglob("*/*")).unlink(),
    "journal longer": lambda r: lengthen(next((r / ".assetctl/journal-v1").iterdir())),
    "journal segment added": lambda r: (r / ".assetctl/journal-v1/new.log").write_text(""),
    "environment": lambda r: os.environ.update(AT_SOMETHING="2"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_changed_the_whole_comparison_is_made(root, change):
    assert remember(root)
    change(root)
    assert answer(["materialize"]) is None


def test_what_differs_between_two_terminals_does_not_count(root, monkeypatch):
    remember(root)
    monkeypatch.setenv("COLUMNS", "33")
    assert answer(["materialize"]) is not None


def test_nothing_is_remembered_that_names_a_secret(root, monkeypatch):
    """The names of files that a module looks at are kept, to be looked at again."""
    (root / "hunter+22.txt").write_text("")
    text = "from pathlib import Path\nPath('hunter+22.txt').read_text()\n"
    (root / "helpers.py").write_text(FILES["helpers.py"] + text)
    Project.open(root).materialize(jobs=1)
    assert remember(root)
    monkeypatch.setenv("DB_PASSWORD", "hunter+22")
    assert not remember(root)


def test_another_folder_is_another_command(root, monkeypatch):
    remember(root)
    monkeypatch.chdir(root / "pkg")
    assert answer(["materialize"]) is None
    assert remember(root)
    assert answer(["materialize"]) is not None
    (root / "pkg" / "pyproject.toml").write_text("[tool.assetctl]\n")
    assert answer(["materialize"]) is None


def test_what_is_young_is_not_remembered(root):
    assert not remember(root, age_s=-3600)


@pytest.mark.parametrize(
    ("extra", "is_remembered"),
    [
        ("import time\nNOW = time.time()\n", False),
        ("from datetime import datetime as D\nclass C:\n    day = D.now().weekday()\n", False),
        ("import time\ndef later():\n    return time.time()\n", True),
        ("import time\ndef now():\n    return time.time()\nIS_LATE = now() > 0\n", False),
        ("from time import time\ndef deco(f):\n    time()\n    return f\n@deco\ndef g():\n    return 1\n", False),
        ("from assetctl import asset\n@asset(exists=lambda: True)\ndef outside():\n    return 1\n", False),
        ("import pandas as pd\nDAY = str(pd.Timestamp.now().date())\n", False),
        ("import pandas as pd\nnow = pd.Timestamp.now\nDAY = str(now().date())\n", False),
        ("import pandas as pd\nDAYS = [str(d.date()) for d in map(pd.Timestamp, ['now'])]\n", False),
        ("from datetime import date\nDAY = str(date.today())\n", False),
        ("from datetime import date\nDAY = (lambda: str(date.today()))()\n", False),
        ("from datetime import date\nDAY = str(getattr(date, 'today')())\n", False),
        ("from datetime import date\nFIRST = date(2026, 1, 1)\nDAY = str(FIRST.today())\n", False),
        ("import os\nWIDE = os.environ.get('COLUMNS')\n", False),
        ("import os\nWHERE = os.getenv('TERM_PROGRAM', '')\n", False),
        ("import os\nALL = dict(os.environ)\n", False),
        ("import os\nfrom assetctl import asset\n@asset\ndef w():\n    return os.environ.get('COLUMNS')\n", False),
        ("import os\nfrom assetctl import asset\n@asset\ndef w():\n    return os.getenv('TERM' + '_PROGRAM')\n", False),
        ("import shutil\nWIDE = shutil.get_terminal_size().columns\n", False),
        ("import os\nKEPT = os.system('true')\n", False),
        ("import subprocess\nKEPT = subprocess.check_output(['echo', '1'])\n", False),
        ("import os\nSIZES = [e.stat().st_size for e in os.scandir('folder')]\n", False),
        ("from pathlib import Path\nSIZE = Path('seen.txt').stat().st_size\n", False),
        ("from pathlib import Path\nHERE = str(Path.cwd())\n", False),
        ("import sqlite3\nDB = sqlite3.connect(':memory:')\nN = DB.total_changes\nDB.close()\n", False),
        ("import logging\nPID = logging.os.getpid() > 0\n", False),
        ("from pathlib import Path\nLOAD = len(Path('/proc/loadavg').read_text().split())\n", False),
        ("SAME = eval('1')\n", False),
        ("SAME = __import__('os').sep\n", False),
        ("from platform import *\n", False),
        ("from string import digits\nfrom sys import maxsize\n", False),
        ("import helpers\nK = helpers.k()\n", True),
        ("from importlib.util import find_spec\nHAS = find_spec('pandas').origin\n", True),
        (
            (
                "import pandas as pd\nfrom assetctl import asset, check\n@asset\ndef c():\n    return pd.DataFrame({'x': [1]})\n"
                "@check(asset=c)\ndef ok(c):\n    return pd.notna(c['x']).all()\n"
            ),
            True,
        ),
        ("from helpers import k as one\nK = list(map(lambda n: n + one(), [1]))\n", True),
        (
            (
                "import os, re\nfrom pathlib import Path\nHERE = Path(__file__).resolve().parent\nW = re.compile('a').match('a')\n"
                "E = os.environ.get('HOME', '').upper()\n"
            ),
            True,
        ),
        (
            (
                "from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass C:\n    n: int = 1\n"
                "    def more(self):\n        return self.n + 1\nN = C(2).more()\n"
            ),
            True,
        ),
        (
            (
                "from __future__ import annotations\nimport pandas as pd\ndef f(t: pd.DataFrame) -> pd.DataFrame:\n"
                "    return t.assign(now=pd.Timestamp.now())\n"
            ),
            True,
        ),
        ("import time\nif __name__ == '__main__':\n    print(time.time())\n", True),
        (
            (
                "import functools\nfrom datetime import timedelta\nDAY = timedelta(days=1).total_seconds()\n"
                "@functools.lru_cache\ndef f():\n    return 1\n"
            ),
            True,
        ),
    ],
)
def test_what_files_do_not_tell_is_not_remembered(root, extra, is_remembered):
    (root / "pkg" / "extra.py").write_text(extra)
    Project.open(root).materialize(jobs=1)
    assert remember(root) is is_remembered


LOOKS = {
    "os.listdir": "import os\nFILES = sorted(os.listdir('looked'))\n",
    "by another name": "from os import listdir as files\nFILES = sorted(files('looked'))\n",
    "iterdir": (
        "from pathlib import Path\n"
        "FILES = sorted(p.name for p in (Path(__file__).resolve().parent.parent / 'looked').iterdir())\n"
    ),
    "Path.glob": "from pathlib import Path\nFILES = sorted(p.name for p in Path('looked').glob('*'))\n",
    "glob.glob": "import glob\nFILES = sorted(glob.glob('looked/*'))\n",
    "walk": "import os\nFILES = [names for _, _, names in os.walk('looked')]\n",
    "exists": "from pathlib import Path\nHAS = (Path('looked') / 'new').exists()\n",
    "our own exists": "from pathlib import Path\ndef exists():\n    return 1\nHAS = Path('looked/new').exists()\n",
    "os.path.exists": "import os\nHAS = os.path.exists('looked/new')\n",
    "isfile": "from os.path import isfile\nHAS = isfile('looked/new')\n",
    "a mapped test": "import os\nHAS = list(map(os.path.exists, ['looked/new']))\n",
    "in a function": "import os\nfrom pathlib import Path\ndef has():\n    return Path('looked/new').is_file()\nHAS = has()\n",
}


@pytest.mark.parametrize("extra", LOOKS.values(), ids=LOOKS)
def test_what_an_import_looked_at_is_compared(root, extra):
    (root / "looked").mkdir()
    (root / "looked" / "old").write_text("")
    (root / "pkg" / "extra.py").write_text(extra)
    Project.open(root).materialize(jobs=1)
    assert remember(root)
    assert answer(["materialize"]) is not None
    (root / "looked" / "new").write_text("")
    assert answer(["materialize"]) is None


def test_the_size_that_an_import_asked_for_is_compared(root):
    (root / "pkg" / "extra.py").write_text("import os\nSIZE = os.path.getsize('seen.txt')\n")
    (root / "pkg" / "steps.py").write_text(FILES["pkg/steps.py"].replace("len(Path('seen.txt').read_text())", "1"))
    Project.open(root).materialize(jobs=1)
    assert remember(root)
    (root / "seen.txt").write_text("seen more")
    assert answer(["materialize"]) is None


def test_the_variables_of_terminals_are_the_same_wherever_they_are_left_out():
    assert VOLATILE == OF_TERMINALS


def test_another_process_that_recorded_meanwhile_is_noticed(root):
    project = Project.open(root)
    result = project.materialize(jobs=1)
    Project.open(root).materialize("b", jobs=1, options=PlanOptions(force=True))
    began = Beginning(time.time_ns() + 10**10, surroundings())
    known, n_fresh = result.relied_on, len(result.finished.fresh)
    assert not remember_noop(project.workspace, known, n_fresh, began, modules_of(root))


def test_a_damaged_memory_is_no_answer(root):
    remember(root)
    (file,) = (root / ".assetctl/cache-v1/noop").iterdir()
    for text in ("", "assetctl-noop 1\n", file.read_text()[:-3], file.read_text().replace("noop 1", "noop 2")):
        file.write_text(text)
        assert answer(["materialize"]) is None


def test_the_command_remembers_and_answers_without_importing_anything(root):
    command = [sys.executable, "-X", "importtime", "-m", "assetctl", "materialize"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def say() -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stderr

    end = time.monotonic() + 60
    while "engine.project" in (said := say()):
        assert time.monotonic() < end, "it was never remembered"
    assert "succeeded in 0 ms: 2 fresh" in said
    imported = {line.rpartition("|")[2].strip() for line in said.splitlines() if line.startswith("import time:")}
    assert not imported & {"typing", "re", "json", "click", "duckdb", "pyarrow", "assetctl.cli.guard"}
    (root / "helpers.py").write_text("def k():\n    return 2\n")
    assert "1 materialized" in say()


def test_nothing_is_remembered_of_a_pinned_asset(root):
    project = Project.open(root)
    project.rollback("b", project.history("b")[0].materialization_id)
    assert remember(root) is False
    project.rollback("b")
    assert remember(root) is True


def test_what_was_remembered_ends_with_a_pin_and_with_a_forgetting(root):
    assert remember(root)
    Project.open(root).pin("b")
    assert answer(["materialize"]) is None
    assert remember(root)
    Project.open(root).forget("a")
    assert answer(["materialize"]) is None
