"""Show one asset: facts of its declaration, facts of its materialization, a look at its value."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from assetctl.cli.text.render import headed_table, text, word
from assetctl.cli.text.render_answers import recorded_why, short
from assetctl.cli.text.render_table import show_table
from assetctl.cli.text.speech import clean, count, duration, moment, size
from assetctl.engine.answers.show import N_PREVIEW, Shown
from assetctl.lineage.facts.records import Purpose

_SHOWN_COLUMNS = 40


def declared_facts(shown: Shown) -> Iterator[tuple[str, object]]:
    """Yield what the declaration says."""
    declared = shown.declared
    if declared is None:
        return
    step = declared.step
    yield "declared in", declared.defined_in
    yield "description", declared.description
    yield "file", declared.path
    yield "group", declared.group
    yield "tags", ", ".join(f"{k}={v}" for k, v in declared.tags.items())
    yield "owners", ", ".join(declared.owners)
    yield "reads", ", ".join(declared.upstream)
    yield "read by", ", ".join(declared.downstream)
    yield "config", ", ".join(f"{k}={v!r}" for k, v in step.config.items()) if step is not None else ""
    yield "code version", short(step.code_version if step is not None else None)
    yield (
        "pinned",
        "\n".join(
            f"{short(pin.data_version)} {'served' if pin.purpose is Purpose.SERVE else 'kept from gc'}"
            f" since {moment(pin.pinned_at)} {pin.note}".rstrip()
            for pin in declared.pins
        ),
    )
    yield "cannot be followed", "\n".join(step.dynamic) if step is not None else ""
    if shown.recorded is None and step is not None:
        yield "materialized", "never"


def recorded_facts(shown: Shown) -> Iterator[tuple[str, object]]:
    """Yield what was recorded when it was made."""
    if shown.recorded is None:
        return
    made, output = shown.recorded.materialization, shown.recorded.output
    yield "not seen", "\n".join(made.unseen)
    how = "restored" if made.origin else f"took {duration(made.duration_s)}"
    yield "materialized", f"{moment(made.started_at)}, {how}, run {made.run_id}"
    yield "because", recorded_why(made.reasons)
    yield "version", f"{short(output.value.version)}   ({output.value.version})"
    rows = f"{count(output.value.n_rows, 'row')}, " if output.value.n_rows is not None else ""
    yield "content", f"{output.value.kind}, {rows}{size(output.size_bytes)}, kept as {output.codec}"
    yield (
        "made from",
        "\n".join(
            f"{i.name}: {i.upstream}" + (f" ({', '.join(i.columns)})" if i.columns else "") + f" {short(i.version)}"
            for i in made.provenance.inputs
        ),
    )
    yield "metrics", "\n".join(f"{name} {value:g}" for name, value in made.metrics.items())
    yield "figures", ", ".join(made.figures)
    yield "links", "\n".join(f"{name}: {target}" for name, target in made.links.items())
    for check in shown.checks:
        verdict = word("fresh" if check.passed else "failed").style
        said = "passed" if check.passed else "failed" if check.blocking else "warns"
        yield f"check {check.name}", Text(clean(f"{said} {check.message or ''}".rstrip()), verdict)


def form_facts(shown: Shown) -> Iterator[tuple[str, object]]:
    """Yield what the value is: an array's shape, a model's parameters, a source's rows."""
    form = shown.form
    if "shape" in form:
        stored = f", {count(form['n_stored'], 'number')} stored" if "n_stored" in form else ""
        yield "shape", f"{' × '.join(map(str, form['shape'])) or 'a single number'} of {form['dtype']}{stored}"
    if "class" in form and "shape" not in form:
        features = f", fitted on {count(form['n_features'], 'column')}" if "n_features" in form else ""
        yield "class", f"{form['class']}{features}"
    parameters = form.get("parameters", {})
    yield "parameters", ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    files = [count(form["n_files"], "file")] if "n_files" in form else []
    rows = [count(form["n_rows"], "row"), count(len(form["columns"]), "column")] if "n_rows" in form else []
    if "size_bytes" in form:
        yield "content", ", ".join([*files, *rows, size(form["size_bytes"])])
    yield (
        "columns",
        ", ".join(f"{column['name']} ({column['type']})" for column in form.get("columns", ())[:_SHOWN_COLUMNS]),
    )


def show_preview(console: Console, shown: Shown) -> None:
    """Print columns and first rows of a table, or the beginning of a text."""
    columns = shown.recorded.output.value.columns if shown.recorded is not None else ()
    if columns:
        console.print()
        rows = [(text(""), text(c.name, "bold"), text(c.type, "dim")) for c in columns[:_SHOWN_COLUMNS]]
        console.print(headed_table(("", "column", "type"), rows))
        if len(columns) > _SHOWN_COLUMNS:
            console.print(text(f"  {count(len(columns) - _SHOWN_COLUMNS, 'more column')}; --json lists all", "dim"))
    if shown.table is not None:
        console.print(text(f"\n  first {min(N_PREVIEW, shown.table.num_rows)} rows", "dim"))
        show_table(console, shown.table, N_PREVIEW, indent=2)
    elif shown.text is not None:
        console.print()
        console.print(text("\n".join(f"  {line}" for line in shown.text.splitlines())), soft_wrap=True)
