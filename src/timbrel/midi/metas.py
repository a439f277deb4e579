"""Meta events that mido forgets the time of or fails on, made harmless through its own registry.

mido reads an unknown meta event without its delta time, so that all that follows comes too early,
and gives a whole file up for one odd key signature or a tempo of no bytes. Importing this module
registers specs that leave such events as raw bytes. Other users of mido in the same process get
the classes and the exceptions that they know; only the times of unknown events become right.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from mido import KeySignatureError, MetaMessage, UnknownMetaMessage
from mido.midifiles import meta

_is_lenient = ContextVar("_is_lenient", default=False)
_MISREAD = (LookupError, ValueError, TypeError, KeySignatureError)
_STRICT = (
    meta.MetaSpec_sequence_number,
    meta.MetaSpec_channel_prefix,
    meta.MetaSpec_set_tempo,
    meta.MetaSpec_smpte_offset,
    meta.MetaSpec_time_signature,
    meta.MetaSpec_key_signature,
)


@contextmanager
def lenient_metas() -> Iterator[None]:
    """Within the block, a meta event that makes no sense becomes an `UnknownMetaMessage`.

    >>> with lenient_metas():
    ...     meta.build_meta_message(0x59, [9, 0], 5)
    UnknownMetaMessage(type_byte=89, data=(9, 0), time=5)
    """
    token = _is_lenient.set(True)
    try:
        yield
    finally:
        _is_lenient.reset(token)


def _leave_raw(message: MetaMessage, type_byte: int, data: Sequence[int]) -> None:
    """Turns a message in the making into what mido gives for an unknown type, time included."""
    raw = UnknownMetaMessage(type_byte, data, vars(message)["time"])
    # messages forbid assignment, and the caller holds on to this very object
    object.__setattr__(message, "__class__", UnknownMetaMessage)
    vars(message).clear()
    vars(message).update(vars(raw))


def _unknown(number: int) -> type[meta.MetaSpec]:
    class Unknown(meta.MetaSpec):
        type = "unknown_meta"
        type_byte = number
        attributes = ()
        defaults = ()

        def decode(self, message: MetaMessage, data: Sequence[int]) -> None:
            _leave_raw(message, number, data)

    return Unknown


def _forgiving(strict: Any) -> type[meta.MetaSpec]:
    class Forgiving(strict):
        type = strict.__name__.removeprefix("MetaSpec_")

        def decode(self, message: MetaMessage, data: Sequence[int]) -> None:
            try:
                super().decode(message, data)
            except _MISREAD:
                if not _is_lenient.get():
                    raise
                _leave_raw(message, strict.type_byte, data)

    return Forgiving


def _is_unknown(number: int) -> bool:
    try:
        return isinstance(meta.build_meta_message(number, []), UnknownMetaMessage)
    except _MISREAD:  # known, and not to be without data
        return False


def _register() -> None:
    for number in range(256):
        if _is_unknown(number):
            meta.add_meta_spec(_unknown(number))
    for strict in _STRICT:
        meta.add_meta_spec(_forgiving(strict))


_register()
