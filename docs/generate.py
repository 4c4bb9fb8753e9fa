"""Write every generated file anew and say which: run by `./dev docs`. Nothing here is written by hand afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    write_ddl()
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        execute(notebook)
    return 0


def write_ddl() -> None:
    """Write the DDL of the lineage tables from their SQLModel classes."""
    subprocess.run([sys.executable, "-m", "assetctl.storage.schema.ddl"], cwd=ROOT, check=True)
    print("storage/schema/ddl.sql: the lineage tables, from storage/schema/tables.py")


def execute(notebook: Path) -> None:
    """Run a notebook from start to end in its own folder, and keep the outputs."""
    import nbformat
    from nbclient import NotebookClient

    document = nbformat.read(notebook, as_version=4)
    NotebookClient(document, timeout=600, resources={"metadata": {"path": str(notebook.parent)}}).execute()
    nbformat.write(document, notebook)
    print(f"{notebook.relative_to(ROOT)}: outputs of its cells, from running them in order")


if __name__ == "__main__":
    sys.exit(main())
