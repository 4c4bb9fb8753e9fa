"""What is true and what to do about it: graph, selection, identity, staleness, plan.

Pure: values in, values out. No disk, clock, environment, DuckDB or click in here.
"""
