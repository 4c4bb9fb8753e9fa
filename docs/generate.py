"""Write every generated file anew and build the site: run by `./dev docs`. What is written here is never edited by hand.

`--no-notebooks` leaves the notebooks as they are. `--pages DIR` only writes the generated pages, into another folder;
`--site DIR` only builds the site there.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import codec_table
import reference_cli
import reference_python
import site_build

ROOT = Path(__file__).resolve().parents[1]


def main(words: list[str]) -> int:
    """Do what the arguments ask for and return the exit code."""
    match words:
        case ["--pages", folder]:
            write_pages(Path(folder))
            return 0
        case ["--site", folder]:
            return site_build.build(ROOT, Path(folder))
        case [] | ["--no-notebooks"]:
            write_ddl()
            if not words:
                for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
                    execute(notebook)
            write_pages(ROOT / "docs")
            return site_build.build(ROOT, ROOT / "build")
        case _:
            print(__doc__, file=sys.stderr)
            return 2


def write_ddl() -> None:
    """Write the DDL of the lineage tables from their SQLModel classes."""
    subprocess.run([sys.executable, "-m", "assetctl.storage.schema.ddl"], cwd=ROOT, check=True)
    print("storage/schema/ddl.sql: the lineage tables, from storage/schema/tables.py")


def write_pages(folder: Path) -> None:
    """Write the reference pages, from the click commands and the docstrings."""
    for name, text in (("cli.md", reference_cli.page()), ("python-api.md", reference_python.page(ROOT))):
        (folder / name).write_text(text, encoding="utf-8")
        print(f"{folder.name}/{name}: from the source")
    values = ROOT / "docs" / "values.md"
    (folder / "values.md").write_text(codec_table.filled(values.read_text("utf-8")), encoding="utf-8")
    print(f"{folder.name}/values.md: its table of codecs, from the registry")


def execute(notebook: Path) -> None:
    """Run a notebook from start to end in its own folder, and keep the outputs."""
    import nbformat
    from nbclient import NotebookClient

    document = nbformat.read(notebook, as_version=4)
    NotebookClient(document, timeout=600, resources={"metadata": {"path": str(notebook.parent)}}).execute()
    nbformat.write(document, notebook)
    print(f"{notebook.relative_to(ROOT)}: outputs of its cells, from running them in order")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
