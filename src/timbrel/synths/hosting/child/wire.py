"""Frames between a process and its child: a head in JSON, and bytes. No pickle."""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">II")


def send(file: BinaryIO, head: dict[str, Any], payload: bytes = b"") -> None:
    """Write a frame."""
    text = json.dumps(head).encode()
    file.write(_LENGTHS.pack(len(text), len(payload)) + text + payload)
    file.flush()


def receive(file: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next frame; None where there is none, or only a piece of one."""
    lengths = file.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_length, payload_length = _LENGTHS.unpack(lengths)
    text, payload = file.read(head_length), file.read(payload_length)
    if len(payload) < payload_length or len(text) < head_length:
        return None
    return json.loads(text), payload
