"""Turn DOT text into the bytes of a picture, by running a layout program.

The system's `dot` is used where there is one; else the `graphviz-pure` program that
comes with assetctl. Either runs as a separate process, fed through a pipe and killed
when it takes too long. The SVG that comes back refers to nothing outside itself.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from assetctl.assets.errors import EnvironmentFault, Problem
from assetctl.storage.state.holders import waiting_for

_TIMEOUT_S = 20.0
_HARMLESS = re.compile(r"no value for width of non-ASCII character|Pango-WARNING|^\s*$")
# The document type names an address; the comments name the program's build.
_PROLOGUE = re.compile(r"<!DOCTYPE[^>]*>\s*|<!--.*?-->\s*", re.DOTALL)


def render(dot: str, format: str) -> bytes:  # noqa: A002  it is what the option is called
    """Return the picture of a DOT graph as "svg" or "png".

    Raises:
        EnvironmentFault: there is no layout program, or each of them failed.
    """
    return render_with(find_programs(), dot, format)


def find_programs() -> list[Path]:
    """Return the layout programs of this machine, best first."""
    folders = (sysconfig.get_path("scripts"), str(Path(sys.executable).parent))
    bundled = (shutil.which("graphviz-pure", path=folder) for folder in folders)
    candidates = (shutil.which("dot"), *bundled, shutil.which("graphviz-pure"))
    return [Path(name) for name in dict.fromkeys(name for name in candidates if name)]


def render_with(programs: Sequence[Path], dot: str, format: str, timeout_s: float = _TIMEOUT_S) -> bytes:  # noqa: A002
    """Return the picture from the first of these programs that can make it.

    Raises:
        EnvironmentFault: none can; the facts say what each one said.
    """
    complaints: list[tuple[str, str]] = []
    for program in programs:
        try:
            command = [str(program), f"-T{format}"]
            with waiting_for(f"{program.name}, which draws the picture", timeout_s):
                done = subprocess.run(command, input=dot.encode(), capture_output=True, timeout=timeout_s, check=False)
        except subprocess.TimeoutExpired:
            complaints.append((program.name, f"no picture within {timeout_s:g} s"))
            continue
        except OSError as error:
            complaints.append((program.name, str(error)))
            continue
        if done.returncode == 0 and done.stdout:
            return _self_contained(done.stdout) if format == "svg" else done.stdout
        complaints.append((program.name, _last_words(done.stderr) or f"exit code {done.returncode}"))
    raise EnvironmentFault(_problem(complaints, format))


def _problem(complaints: list[tuple[str, str]], format: str) -> Problem:  # noqa: A002
    if not complaints:
        return Problem(
            "no-drawing-program",
            f"there is no program on this machine to draw {format}",
            hint="pip install graphviz-pure, or use --format mermaid, dot, json or text",
        )
    return Problem(
        "drawing-failed",
        f"the picture could not be drawn as {format}",
        tuple(complaints),
        "draw less of it (name an asset, `--depth 1`), or use --format mermaid, dot, json or text",
    )


def _last_words(stderr: bytes) -> str:
    lines = [line for line in stderr.decode(errors="replace").splitlines() if not _HARMLESS.search(line)]
    return lines[-1] if lines else ""


def _self_contained(svg: bytes) -> bytes:
    return _PROLOGUE.sub("", svg.decode()).replace('font-family="Arial"', 'font-family="Arial,sans-serif"').encode()
