"""A SoundFont of a few kilobytes: one looped sine, one program or several that play it.

After the SoundFont 2.04 specification; nothing but what a player needs.
"""

from __future__ import annotations

import struct

import numpy as np

ROOT = 60
RATE = 22050
_PERIODS, _PERIOD = 50, 84.28  # 261.6 Hz: periods that end nearly on a sample

SAMPLE_MODES, SAMPLE_ID, RELEASE, INSTRUMENT, KEY_RANGE = 54, 53, 38, 41, 43


def tiny_font(programs: tuple[int, ...] = (0,), keys: tuple[int, int] = (0, 127)) -> bytes:
    """An .sf2 whose programs sound a sine at the key's pitch, within a range of keys."""
    length = round(_PERIODS * _PERIOD)
    sine = np.round(20000 * np.sin(2 * np.pi * _PERIODS * np.arange(length) / length))
    samples = np.concatenate([sine, np.zeros(46)]).astype("<i2").tobytes()
    correction = round(1200 * np.log2(261.6256 / (RATE * _PERIODS / length)))
    info = _chunk(b"ifil", struct.pack("<HH", 2, 4)) + _chunk(b"INAM", b"tiny\0\0")
    presets = b"".join(_preset(f"P{p}", p, i) for i, p in enumerate(programs))
    bags = b"".join(struct.pack("<HH", i, 0) for i in range(len(programs) + 1))
    key_range = struct.pack("<HBB", KEY_RANGE, *keys)
    zone = key_range + _generator(SAMPLE_MODES, 1) + _generator(RELEASE, -4000)
    pdta = (
        _chunk(b"phdr", presets + _preset("EOP", 0, len(programs)))
        + _chunk(b"pbag", bags)
        + _chunk(b"pmod", bytes(10))
        + _chunk(b"pgen", _generator(INSTRUMENT, 0) * len(programs) + bytes(4))
        + _chunk(b"inst", _named("I", 0) + _named("EOI", 1))
        + _chunk(b"ibag", struct.pack("<HHHH", 0, 0, 4, 0))
        + _chunk(b"imod", bytes(10))
        + _chunk(b"igen", zone + _generator(SAMPLE_ID, 0) + bytes(4))
        + _chunk(b"shdr", _sample("S", length, correction) + _sample("EOS", 0, 0))
    )
    body = b"sfbk" + _list(b"INFO", info) + _list(b"sdta", _chunk(b"smpl", samples))
    return _chunk(b"RIFF", body + _list(b"pdta", pdta))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


def _list(name: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", name + content)


def _generator(number: int, amount: int) -> bytes:
    return struct.pack("<Hh", number, amount)


def _named(name: str, bag: int) -> bytes:
    return struct.pack("<20sH", name.encode(), bag)


def _preset(name: str, number: int, bag: int) -> bytes:
    return struct.pack("<20sHHHIII", name.encode(), number, 0, bag, 0, 0, 0)


def _sample(name: str, length: int, correction: int) -> bytes:
    return struct.pack(
        "<20sIIIIIBbHH", name.encode(), 0, length, 0, length, RATE, ROOT, correction, 0, 1
    )
