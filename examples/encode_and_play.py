"""Hear one sound, play a chord with it: `python encode_and_play.py [RECORDING.wav]`.

Without a recording it listens to a plucked string that it computes (Karplus and Strong, 1983).
"""

import sys

import torch

import timbrel


def pluck(f0_hz: float, sample_rate: int, seconds: float = 2.0) -> torch.Tensor:
    """A string: noise in a loop that averages neighbours."""
    period = round(sample_rate / f0_hz)
    laps = [torch.rand(period, generator=torch.Generator().manual_seed(1)) - 0.5]
    while len(laps) * period < seconds * sample_rate:
        laps.append(0.5 * (laps[-1] + laps[-1].roll(1)))
    return torch.cat(laps)


instrument = timbrel.load("harmonic")
rate = instrument.sample_rate
sound = timbrel.read_audio(sys.argv[1], rate) if len(sys.argv) > 1 else pluck(220.0, rate)
timbre = instrument.encode(sound)
chord = instrument.render(timbrel.Notes.of([45, 57, 61, 64], duration_s=2.0), timbre)
mix = chord.audio.sum(0)
print(timbrel.write_audio("chord.wav", 0.9 * mix / mix.abs().max(), rate))
