"""Fill the table of codecs in `docs/values.md` from the registry: what is kept how, in the order in which it is tried."""

from __future__ import annotations

from assetctl.storage.codecs.registry import described

_BEGIN, _END = "<!-- generated: codecs -->", "<!-- end of generated -->"


def filled(page: str) -> str:
    """Return the page with its table as the registry says."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    rows = "\n".join(f"| {what} | `{name}` | `{extension}` |" for name, extension, what in described())
    return f"{before}{_BEGIN}\n\n| Value | Codec | File |\n|---|---|---|\n{rows}\n\n{_END}{after}"
