"""What should exist: names, declarations, sources, checks, and collecting them.

Knows nothing of graphs, disks or terminals; imports the standard library only.
"""
