"""Identify functions that have no source text by their code objects, and read names from them.

Such digests hold for one minor version of Python only, which is part of them.
"""

from __future__ import annotations

import dis
import sys
import types

from assetctl.lineage.identity.code.reads import Key, Read
from assetctl.lineage.identity.code.syntax import constant_bytes

_FLAGS_OF_MEANING = 0x1FFFFFF
_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_SKIPPED = frozenset({"PUSH_NULL", "CACHE", "PRECALL", "EXTENDED_ARG"})


def code_bytes(code: types.CodeType) -> bytes:
    """Return what a code object does: instructions, typed constants, names, signature, flags, handlers."""
    out: list[bytes] = [constant_bytes(sys.version_info[:2])]
    stack: list[object] = [code]
    while stack:
        item = stack.pop()
        if not isinstance(item, types.CodeType):
            out.append(constant_bytes(item))
            continue
        shape = (item.co_argcount, item.co_posonlyargcount, item.co_kwonlyargcount, item.co_flags & _FLAGS_OF_MEANING)
        names = (item.co_names, item.co_varnames, item.co_freevars, item.co_cellvars)
        out.append(constant_bytes((item.co_code, item.co_exceptiontable, shape, names, len(item.co_consts))))
        stack.extend(reversed(item.co_consts))
    return b"".join(out)


def code_reads(code: types.CodeType) -> tuple[Read, ...]:
    """Return the outside names that a code object and those nested in it read, with attributes."""
    reads: dict[Read, None] = {}
    stack = [code]
    while stack:
        current = stack.pop()
        stack.extend(const for const in current.co_consts if isinstance(const, types.CodeType))
        steps = [step for step in dis.get_instructions(current) if step.opname not in _SKIPPED]
        for index, step in enumerate(steps):
            is_free = step.opname in {"LOAD_DEREF", "LOAD_CLASSDEREF"} and step.argval in code.co_freevars
            if step.opname in _LOADS or is_free:
                reads[_read(steps, index, code.co_firstlineno)] = None
    return tuple(reads)


def _read(steps: list[dis.Instruction], index: int, line: int) -> Read:
    chain = [str(steps[index].argval)]
    index += 1
    while index < len(steps) and steps[index].opname in _ATTRIBUTES:
        chain.append(str(steps[index].argval))
        index += 1
    follows = steps[index] if index < len(steps) else None
    if follows is not None and follows.opname == "LOAD_CONST" and type(follows.argval) is str:
        after = steps[index + 1].opname if index + 1 < len(steps) else ""
        return Read(tuple(chain), line, "item" if after == "BINARY_SUBSCR" else "call", Key(follows.argval))
    return Read(tuple(chain), line)
