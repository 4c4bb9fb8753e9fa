"""The errors that reading a document can raise if it is intact, but not what this program writes."""

from __future__ import annotations

# By base class, so that a neighbour is not forgotten: an index is a lookup, an infinite number is arithmetic.
# `MemoryError` is not among them: too little memory now says nothing about the document.
MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
