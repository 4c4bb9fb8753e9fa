"""Where results are kept: codecs, blobs, the journal, the DuckDB lineage store, gc.

Effects only. Storage never decides whether something is stale.
"""
