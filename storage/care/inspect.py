"""Examine a state folder for everything that can be wrong with it, and explain it; nothing is changed.

The parts are examined by `inspect_folders.py`, `inspect_journal.py`, `inspect_blobs.py`
and `inspect_database.py`; this puts their findings together.
"""

from __future__ import annotations

from assetctl.assets.errors import EnvironmentFault
from assetctl.storage.care.findings import ERROR, NOTE, WARNING, Finding
from assetctl.storage.care.inspect_blobs import blob_findings, quarantine_findings, tidiness_findings
from assetctl.storage.care.inspect_database import database_findings
from assetctl.storage.care.inspect_folders import folder_findings, require_readable
from assetctl.storage.care.inspect_journal import journal_findings
from assetctl.storage.journal.journal import FileJournal
from assetctl.storage.state.format import check_state
from assetctl.storage.state.layout import Layout


def examine(layout: Layout, *, full: bool = False) -> list[Finding]:
    """Return everything found, the worst first. `full` hashes every recorded blob; otherwise sizes are compared.

    Raises:
        EnvironmentFault: files of the state folder may not be read; it names each.
    """
    require_readable(layout)
    try:
        check_state(layout)
    except EnvironmentFault as future:
        problem = future.problems[0]
        return [Finding(ERROR, problem.message, str(layout.format_file), problem.hint or "")]
    journal = FileJournal(layout)
    facts, _ = journal.read_since({})
    findings = [
        *folder_findings(layout),
        *journal_findings(journal),
        *blob_findings(layout, full=full),
        *database_findings(layout),
        *quarantine_findings(layout, facts),
        *tidiness_findings(layout, facts),
    ]
    order = (ERROR, WARNING, NOTE)
    return sorted(findings, key=lambda finding: (order.index(finding.severity), finding.where))
