"""Put a step's definition together: code version, build spec, config, environment slice.

The build spec holds only what shapes the stored or the read value: codec, outputs, input
conversions, declared columns, `unordered`. Secrets are in none of the parts.
"""

from __future__ import annotations

from collections.abc import Mapping

from assetctl.lineage.facts.ports import Form, Wanted
from assetctl.lineage.facts.records import CodeIdentity, Definition, Digest
from assetctl.lineage.graph.asset_graph import Check, Step
from assetctl.lineage.graph.bindings import config_text
from assetctl.lineage.identity.encode import Framed, digest_mapping

FORMAT = "def/1"


def define(step: Step, code: CodeIdentity, environment: Mapping[str, str]) -> Definition:
    """Return the definition of a step whose code was identified, in an environment slice."""
    secret = step.declaration.options.secret
    config = {name: config_text(value) for name, value in step.config.items() if name not in secret}
    return _definition(code, _spec(step), config, environment)


def define_check(check: Check, code: CodeIdentity, environment: Mapping[str, str]) -> Digest:
    """Return the digest that decides whether a check's recorded answer still holds."""
    spec = {"input": _input_spec(check.wanted)}
    return _definition(code, spec, {}, environment).digest


def _definition(
    code: CodeIdentity, spec: Mapping[str, str], config: Mapping[str, str], environment: Mapping[str, str]
) -> Definition:
    out = Framed(FORMAT).child(code.version)
    for part in (spec, config, environment):
        out.child(digest_mapping(FORMAT, part))
    return Definition(out.hexdigest(), code.version, spec, config, environment)


def _spec(step: Step) -> dict[str, str]:
    options = step.declaration.options
    spec = {
        f"input {b.name}": _input_spec(b.wanted) + (f" options {b.options}" if b.options else "")
        for b in step.bindings
        if b.is_read and (b.wanted.form is not Form.STORED or b.wanted.columns)
    }
    spec.update({f"gathered {name}": together.text for name, together in step.gathered.items()})
    if options.codec is not None:
        spec["codec"] = options.codec
    if options.outs:
        spec["outs"] = ", ".join(step.first_names)
    if options.unordered:
        spec["unordered"] = "true"
    return spec


def _input_spec(wanted: Wanted) -> str:
    form = wanted.form.value
    return form if not wanted.columns else f"{form} columns {', '.join(map(repr, wanted.columns))}"
