"""Programs (.fxp) and banks (.fxb) of VST plug-ins: all numbers big-endian, names latin-1.

    program  'CcnK' size 'FxCk'|'FPCh' version id plug-in-version n-params name[28]
             then n-params floats | chunk-size chunk
    bank     'CcnK' size 'FxBk'|'FBCh' version id plug-in-version n-programs future[128]
             then n-programs programs | chunk-size chunk

Of real files nearly all say 0 for their size and 1 for their parameters, and names fill all 28
bytes: what is read is what is there. What is written keeps every rule.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from timbrel.errors import BadPatch
from timbrel.synths.formats.program import Program, plain_name

MAGIC = b"CcnK"

_NAME_LENGTH = 28
_FUTURE_LENGTH = 128
_MOST_PARAMS = 1 << 16
_MOST_PROGRAMS = 4096
_SLACK = 1e-3
_VERSION = 1


def read_programs(data: bytes) -> list[Program]:
    """The programs of an .fxp or .fxb; the chunk of a bank is one of them.

    Raises:
        BadPatch: it is neither, or truncated, or holds what cannot be.
    """
    bytes_ = _Bytes(data)
    return _bank(bytes_) if data[8:12] in (b"FxBk", b"FBCh") else [_program(bytes_)]


def program_bytes(program: Program) -> bytes:
    """A program as the bytes of an .fxp."""
    name = program.name.encode("latin-1", "replace")[: _NAME_LENGTH - 1].ljust(_NAME_LENGTH, b"\0")
    if program.chunk is not None:
        kind, count, body = b"FPCh", 1, struct.pack(">i", len(program.chunk)) + program.chunk
    else:
        kind, count = b"FxCk", len(program.params)
        body = struct.pack(f">{count}f", *program.params)
    return _whole(kind, program, count, name + body)


def bank_bytes(programs: Sequence[Program]) -> bytes:
    """Programs of one plug-in as the bytes of an .fxb."""
    body = bytes(_FUTURE_LENGTH) + b"".join(map(program_bytes, programs))
    return _whole(b"FxBk", programs[0], len(programs), body)


def _whole(kind: bytes, program: Program, count: int, rest: bytes) -> bytes:
    plugin_id = program.plugin_id.encode("latin-1")
    numbers = struct.pack(">i4sii", _VERSION, plugin_id, program.plugin_version, count)
    body = kind + numbers + rest
    return MAGIC + struct.pack(">i", len(body)) + body


class _Bytes:
    """Bytes that are read from their beginning, and never beyond their end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, length: int, what: str) -> bytes:
        left = len(self._data) - self._at
        if length > left:
            raise BadPatch(f"truncated: {what} wants {length} bytes, {left} are there")
        self._at += length
        return self._data[self._at - length : self._at]

    def number(self, what: str, most: int | None = None) -> int:
        (number,) = struct.unpack(">i", self.take(4, what))
        if most is not None and not 0 <= number <= most:
            raise BadPatch(f"{what} is {number}, wanted 0 to {most}")
        return number


def _head(data: _Bytes, kinds: tuple[bytes, bytes]) -> tuple[bytes, str, int]:
    """Kind, plug-in and its version."""
    magic = data.take(4, "the beginning")
    if magic != MAGIC:
        raise BadPatch(f"begins with {magic!r}, wanted {MAGIC!r}: it is no VST program or bank")
    data.number("the size of the file")  # mostly 0
    kind = data.take(4, "the kind")
    if kind not in kinds:
        raise BadPatch(f"of the kind {kind!r}, wanted {kinds[0]!r} or {kinds[1]!r}")
    data.number("the version of the format")
    plugin_id = plain_name(data.take(4, "the plug-in's id").decode("latin-1"))
    return kind, plugin_id, data.number("the plug-in's version")


def _program(data: _Bytes) -> Program:
    kind, plugin_id, version = _head(data, (b"FxCk", b"FPCh"))
    count = data.number("the number of parameters", _MOST_PARAMS if kind == b"FxCk" else None)
    name = data.take(_NAME_LENGTH, "the name").split(b"\0")[0].decode("latin-1")
    if kind == b"FPCh":
        return Program(plugin_id, plain_name(name), chunk=_chunk(data), plugin_version=version)
    floats = struct.unpack(f">{count}f", data.take(4 * count, f"{count} parameters"))
    params = tuple(_position(index, value) for index, value in enumerate(floats))
    return Program(plugin_id, plain_name(name), params, plugin_version=version)


def _bank(data: _Bytes) -> list[Program]:
    kind, plugin_id, version = _head(data, (b"FxBk", b"FBCh"))
    count = data.number("the number of programs", _MOST_PROGRAMS if kind == b"FxBk" else None)
    data.take(_FUTURE_LENGTH, "the head of a bank")
    if kind == b"FBCh":
        chunk = _chunk(data)
        return [Program(plugin_id, "", chunk=chunk, is_bank=True, plugin_version=version)]
    return [_program(data) for _ in range(count)]


def _chunk(data: _Bytes) -> bytes:
    length = data.number("the size of the chunk")
    if length < 0:
        raise BadPatch(f"the size of the chunk is {length}, wanted 0 or more")
    return data.take(length, "the chunk")


def _position(index: int, value: float) -> float:
    if not (math.isfinite(value) and -_SLACK <= value <= 1 + _SLACK):
        raise BadPatch(f"parameter {index} is {value:g}, wanted 0 to 1")
    return min(max(value, 0.0), 1.0)
