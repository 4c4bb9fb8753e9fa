"""Write a stored output to a path, in the format that the path's ending names, or refuse.

Bytes that are kept in that format are copied. What else a value can be written as,
`endings` says. Text, bytes and files are their own content: they may have any ending
that their bytes are what it says.
"""

from __future__ import annotations

import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assetctl.assets.errors import Problem, SelectionError
from assetctl.engine.answers.contents import is_what_it_says
from assetctl.engine.answers.convert import Unwritable, family_of, write_value
from assetctl.engine.answers.endings import Family, Writer, ending_of, endings_for, is_own, writer_for
from assetctl.engine.workspace.workspace import Workspace
from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import Output
from assetctl.storage.codecs.containers import TABLE_KINDS
from assetctl.storage.sources.parsing import table_format
from assetctl.storage.state.format import environment_fault
from assetctl.storage.state.whole import whole_file

_OWN_CONTENT = frozenset((Family.TEXT, Family.BYTES, Family.FILE))
_STREAMED = frozenset((Writer.PARQUET, Writer.ARROW, Writer.CSV, Writer.TSV, Writer.ROWS, Writer.LINES, Writer.HTML))


def hand_out(workspace: Workspace, output: Output, path: Path) -> None:
    """Write an output to a path.

    Raises:
        SelectionError: it cannot be written with this ending; the facts list those that it can be written with.
        AssetFailed: there is no value to write.
        CorruptionError: its stored bytes are not what was recorded.
        EnvironmentFault: the path cannot be written, or the library that writes it is missing.
    """
    data = workspace.stores.data
    own = data.extension(output)
    if output.blob is None or is_own(path, own):
        data.export(output, path)
        return
    ending = ending_of(path)
    with _loaded(workspace, output, ending) as (family, value, writer):
        if writer is not None:
            _write(output, family, own, writer, value, path)
        elif family in _OWN_CONTENT and _is_fit(workspace, output, ending, is_text=family is Family.TEXT):
            data.export(output, path)
        else:
            raise _unfit(output, family, own, path)


@contextmanager
def _loaded(workspace: Workspace, output: Output, ending: str) -> Iterator[tuple[Family, Any, Writer | None]]:
    """Give what an output is, its value where a writer needs it, and that writer."""
    data = workspace.stores.data
    kind = output.value.kind
    own = data.extension(output)
    if output.codec.startswith("folder/"):
        yield Family.FOLDER, None, None
    elif output.codec.startswith("file/"):
        writer = writer_for(Family.TABLE, ending) if _is_table_file(output, own) else None
        value = data.load(output, Wanted(Form.ARROW)) if writer is not None else None
        yield Family.FILE, value, writer
    elif kind in TABLE_KINDS:
        writer = writer_for(Family.TABLE, ending)
        is_stream = writer in _STREAMED and output.codec.startswith("parquet/") and not kind.startswith("pandas.")
        form = Form.READER if is_stream else Form.STORED
        yield Family.TABLE, None if writer is None else data.load(output, Wanted(form)), writer
    else:
        if output.value.classes:  # they are found where the project's modules are
            workspace.graph()
        value = data.load(output, Wanted())
        family = family_of(value)
        yield family, value, writer_for(family, ending)


def _is_table_file(output: Output, own: str) -> bool:
    return output.codec.startswith("file/") and table_format(Path(f"x{own}")) is not None


def _write(output: Output, family: Family, own: str, writer: Writer, value: Any, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, durable=False) as file:
            write_value(writer, value, ending_of(path), file)
    except OSError as cause:
        raise environment_fault(cause, path, "a file cannot be written") from cause
    except Unwritable as refused:
        raise _unfit(output, family, own, path, str(refused)) from refused


def _is_fit(workspace: Workspace, output: Output, ending: str, *, is_text: bool) -> bool:
    """Say whether an output's own bytes are what a file with this ending holds."""
    folder = tempfile.mkdtemp()
    try:
        copy = Path(folder) / "content"
        workspace.stores.data.export(output, copy)
        return is_what_it_says(copy, ending, is_text=is_text)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unfit(output: Output, family: Family, own: str, path: Path, said: str = "") -> SelectionError:
    endings = endings_for(Family.TABLE if _is_table_file(output, own) else family, own)
    name = f"{output.target.asset.rpartition('/')[2]}{own}"
    facts = [("it is", f"{family}, kept as {output.codec}")]
    facts += [("endings", ", ".join(endings))] if endings else []
    facts += [("because", said)] if said else []
    ending = path.suffix if not path.name.lower().endswith(".gz") else "".join(path.suffixes[-2:])
    return SelectionError(
        Problem(
            "unfit-ending",
            f"`{output.target}` cannot be written as `{ending}`",
            tuple(facts),
            f"{_more(output, family)}as it is kept: `assetctl get {output.target} -o {shlex.quote(name)}`",
        )
    )


def _more(output: Output, family: Family) -> str:
    if output.codec.startswith("figure-"):
        return 'a figure is kept as PNG by `@asset(codec="figure-png")`; '
    return f"{family} may also have the ending of any format that it is in; " if family in _OWN_CONTENT else ""
