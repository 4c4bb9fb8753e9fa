"""The changelog's fragments: one file of `changes/` per change. Checked by `./dev lint`; `--release VERSION` sets the version.

Towncrier writes them into CHANGELOG.md. By itself it leaves out, without a word, a file whose name it does not understand.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "changes"
MAX_COLUMNS = 120


def kinds() -> list[str]:
    """Return the kinds of change, as Keep a Changelog names them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [kind["directory"] for kind in settings["tool"]["towncrier"]["type"]]


def flaws(name: str, text: str) -> list[str]:
    """Return what is wrong with one fragment."""
    checks = {
        f"its name is not `+few-words.KIND.md` with one of {', '.join(kinds())}": not re.fullmatch(
            rf"\+[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(kinds())})\.md", name
        ),
        "it says nothing": not text.strip(),
        "it is more than one paragraph": "\n\n" in text.strip(),
        "it is a list or a heading; it becomes one item of a list": re.match(r"\s*([-*+]|#+|\d+\.)\s", text)
        is not None,
        "its last sentence does not end": bool(text.strip()) and text.strip()[-1] not in ".)`",
        f"it has lines over {MAX_COLUMNS} characters": any(len(line) > MAX_COLUMNS for line in text.splitlines()),
    }
    return [f"changes/{name}: {flaw}" for flaw, is_there in checks.items() if is_there]


def flaws_in(folder: Path) -> list[str]:
    """Return what is wrong with the fragments of a folder; its README.md is not one."""
    fragments = [path for path in sorted(folder.iterdir()) if path.name not in {"README.md", ".gitignore"}]
    return [flaw for path in fragments for flaw in flaws(path.name, path.read_text(encoding="utf-8"))]


def set_version(version: str) -> None:
    """Write the version where it lives."""
    path = ROOT / "assetctl" / "__init__.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'(?m)^__version__ = ".*"$', f'__version__ = "{version}"', text), encoding="utf-8")


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--release"]:
        set_version(arguments[1])
        return 0
    broken = flaws_in(FOLDER)
    for flaw in broken:
        print(f"error: {flaw}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
