"""Build the site: the pages of docs/, and those at the top of the repository, as one set of pages.

Zensical reads one folder only, so the pages are put together in a folder `docs` first, with the links between them
rewritten; the site lies in a folder `site` beside it. Nothing in docs/ needs to know where a page ends up: links there are those of the repository.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
FILE = re.compile(r"<!-- (?:file|excerpt): (\S+) -->\n```(\w+)\n")
PLACES = {  # where a file of the repository stands in the site; those of docs/ keep their names
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "GLOSSARY.md": "glossary.md",
    "docs/decisions": "decisions/index.md",
    "notebooks/01_tour.ipynb": "01_tour.ipynb",
}


def build(root: Path, build_folder: Path) -> int:
    """Put the pages together, build them with warnings as errors, and return the exit code."""
    pages = build_folder / "docs"
    shutil.rmtree(pages, ignore_errors=True)
    shutil.rmtree(build_folder / "site", ignore_errors=True)
    for source in sorted(_sources(root)):
        _place(root, source, pages)
    (pages / PLACES["docs/decisions"]).write_text(_decisions(root), encoding="utf-8")
    shutil.copyfile(root / "mkdocs.yml", build_folder / "mkdocs.yml")
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "-f", str(build_folder / "mkdocs.yml")]
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        site = build_folder / "site"
        print(f"{len(list(site.rglob('*.html')))} pages; open {site / 'index.html'}")
    return code


def _sources(root: Path) -> set[str]:
    own = {path.relative_to(root).as_posix() for path in (root / "docs").rglob("*") if path.suffix in {".md", ".svg"}}
    return own | {source for source in PLACES if (root / source).is_file()}


def _decisions(root: Path) -> str:
    """Return a page that lists the decisions by their titles."""
    lines = ["# Decisions", "", "Why assetctl is as it is: what was chosen, what was not, and what was measured.", ""]
    for path in sorted((root / "docs" / "decisions").glob("[0-9]*.md")):
        title = path.read_text(encoding="utf-8").partition("\n")[0]
        name = re.sub(r"^#\s+(\d+\.?\s+)?", "", title)
        lines.append(f"- {int(path.name[:4])}: [{name}]({path.name})")
    return "\n".join(lines) + "\n"


def _placed(source: str) -> str:
    return PLACES.get(source, source.removeprefix("docs/"))


def _place(root: Path, source: str, pages: Path) -> None:
    """Copy one file into the site's folder; a page gets the site's links, and its files their names as titles."""
    target = pages / _placed(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    if not source.endswith(".md"):
        shutil.copyfile(root / source, target)
        return
    text = FILE.sub(r'```\2 title="\1"\n', (root / source).read_text(encoding="utf-8"))
    target.write_text(LINK.sub(lambda found: _relinked(root, source, found), text), encoding="utf-8")


def _relinked(root: Path, source: str, found: re.Match[str]) -> str:
    """Return a link as it stands in the site.

    One to what the repository has and the site has not becomes its text; one to what is nowhere fails the build.
    """
    image, text, target, anchor = found.groups()
    named = os.path.normpath(PurePosixPath(source).parent / target)
    if (root / named).exists() and not _is_placed(named):
        return str(text)
    start = PurePosixPath(_placed(source)).parent
    return f"{image}[{text}]({os.path.relpath(_placed(named), start)}{anchor or ''})"


def _is_placed(named: str) -> bool:
    return named in PLACES or (named.startswith("docs/") and PurePosixPath(named).suffix in {".md", ".svg"})
