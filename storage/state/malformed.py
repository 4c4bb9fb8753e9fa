"""What reading a document can raise when it is undamaged and still says nothing that this program wrote."""

from __future__ import annotations

# By base class, so that a neighbour is not forgotten: an index is a lookup, an infinite number is arithmetic.
# `MemoryError` is not among them: too little memory now says nothing about the document.
MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
