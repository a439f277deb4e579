"""The 41 knobs of amsynth, as data: its banks, its patches and its plug-in know them by these.

Values are those of bank files. What sounds follows from them by a law of each knob's own: a time is
the cube of its value in seconds, a master volume its square, a cutoff a power of 16.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

from timbrel.sound import Control
from timbrel.synths.parameters import Parameters

_WAVES = ("sine", "square or pulse", "triangle or saw", "white noise", "noise, sampled and held")
_CHOICES = {
    "osc1_waveform": _WAVES,
    "osc2_waveform": _WAVES,
    "lfo_waveform": ("sine", "square", "triangle", "white noise", "noise, sampled and held",
                     "saw up", "saw down"),
    "osc2_range": ("-3 octaves", "-2 octaves", "-1 octave", "0", "+1 octave", "+2 octaves",
                   "+3 octaves", "+4 octaves"),
    "osc2_sync": ("off", "on"),
    "keyboard_mode": ("poly", "mono", "legato"),
    "osc2_pitch": tuple(f"{semitones:+d}" if semitones else "0" for semitones in range(-12, 13)),
    "filter_type": ("low pass", "high pass", "band pass", "notch", "bypass"),
    "filter_slope": ("12 dB/octave", "24 dB/octave"),
    "freq_mod_osc": ("both oscillators", "oscillator 1", "oscillator 2"),
    "portamento_mode": ("always", "legato"),
}  # fmt: skip


@cache
def amsynth_parameters() -> Parameters:
    """The knobs in the plug-in's order.

    >>> len(amsynth_parameters()), amsynth_parameters().names[:2]
    (41, ('amp_attack', 'amp_decay'))
    """
    table = files("timbrel.synths").joinpath("amsynth_parameters.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(table.splitlines())
    return Parameters(tuple(map(_control, rows)))


def _control(row: dict[str, str]) -> Control:
    low, high, default = (float(row[key]) for key in ("minimum", "maximum", "default"))
    return Control(row["name"], "", low, high, default, choices=_CHOICES.get(row["name"], ()))
