"""What the networks hear of a sound: its mels, and how pitch and loudness go.

One set of spectra serves all of it, so that hearing four seconds takes a few milliseconds.

    audio -> |STFT|^2 -+-> 128 mels -> dB under the sound's maximum -> [-1, 1]
                       +-> A curve -> sum ----------------------------> loudness
                       +-> autocorrelation ----------------------------> pitch, clearness

Levels are left out: how loud a patch is, its own volume knob says, and `matching` sets that.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from timbrel.dsp.autocorrelation import autocorrelation_pitch
from timbrel.dsp.loudness import a_curve_db
from timbrel.dsp.mel import FLOOR_DB, MelScale, denormalise_db, mel_db, normalise_db
from timbrel.dsp.stft import stft
from timbrel.units import db_to_power, hz_to_midi, midi_to_hz, power_to_db

SAMPLE_RATE = 44100
LENGTH_S = 4.0
"""What is heard of a sound: more is not listened to, and silence follows less."""

HOLD_S = 3.0
"""How long notes are held, of which a data set is made and that stand for a patch."""

SCALE = MelScale(SAMPLE_RATE, n_fft=2048, hop_length=512, n_mels=128,
                 minimum_hz=30.0, maximum_hz=16000.0)  # fmt: skip
N_SAMPLES = round(LENGTH_S * SAMPLE_RATE)
N_FRAMES = SCALE.frames(N_SAMPLES)
N_CURVES = 3
"""Pitch, clearness, loudness."""

_CLEAR = 0.5
_LOUD, _SHARE_OF_LOUD = 0.25, 0.3
"""A sound has a pitch where so many of the frames within 30 dB of its maximum are clear."""

_MIDDLE_PITCH, _PITCH_SPREAD = 60.0, 24.0

_RATIOS = 2.0 ** torch.linspace(-1.0, 6.0, SCALE.n_mels)

_AT_ONCE = 2
"""16 take twice as long each: their spectra do not stay in the cache."""

_SOFTEST = 1e-3
"""Peak of what is heard at all: softer sounds are silent, and say nothing."""


class Heard(NamedTuple):
    """Sounds as the networks take them.

    Attributes:
        mel: normalised, 1 where a sound is loudest and -1 at 80 dB below and under.
        curves: pitch (0 at middle C, 1 two octaves above, 0 where unclear), its clearness 0..1,
            and loudness, normalised as the mels.
    """

    mel: Float[Tensor, "batch mels frames"]
    curves: Float[Tensor, "batch curves frames"]


def hear(audio: Float[Tensor, "batch time"]) -> Heard:
    """What is heard of sounds at 44.1 kHz, from their beginning.

    >>> [tuple(part.shape) for part in hear(torch.randn(2, 1000))]
    [(2, 128, 345), (2, 3, 345)]
    """
    if not len(audio):
        mel, curves = _hear(audio.new_zeros(1, N_SAMPLES))
        return Heard(mel[:0], curves[:0])
    mels, curves = zip(*(_hear(some) for some in fitted(audio).split(_AT_ONCE)), strict=True)
    return Heard(torch.cat(mels), torch.cat(curves))


def _hear(sound: Tensor) -> Heard:
    spectra = stft(sound, SCALE.n_fft, SCALE.hop_length)
    power = spectra.real.square() + spectra.imag.square()
    mel = normalise_db(mel_db(SCALE.filterbank().to(power) @ power))
    return Heard(mel, torch.stack([*_melody(power), _loudness(power)], dim=1))


def fitted(audio: Float[Tensor, "*batch time"]) -> Float[Tensor, "*batch samples"]:
    """Sounds cut to four seconds, or padded with silence."""
    sound = audio[..., :N_SAMPLES]
    return torch.nn.functional.pad(sound, (0, N_SAMPLES - sound.shape[-1]))


def is_audible(audio: Float[Tensor, "*batch time"]) -> Bool[Tensor, "*batch"]:
    """Which sounds are there, and are finite."""
    return audio.isfinite().all(-1) & (audio.abs().amax(-1) >= _SOFTEST)


def _melody(power: Tensor) -> tuple[Tensor, Tensor]:
    f0_hz, clearness = autocorrelation_pitch(power, SAMPLE_RATE)
    height = (hz_to_midi(f0_hz.clamp_min(1.0)) - _MIDDLE_PITCH) / _PITCH_SPREAD
    return torch.where(clearness >= _CLEAR, height, 0.0), clearness


def _loudness(power: Tensor) -> Tensor:
    level = (power * _a_curve().to(power)).sum(-2)
    relative = level / level.amax(-1, keepdim=True).clamp_min(1e-20)
    return normalise_db(power_to_db(relative.clamp_min(1e-8)).clamp(FLOOR_DB, 0.0))


@lru_cache(maxsize=1)
def _a_curve() -> Float[Tensor, "bins 1"]:
    """What the A curve makes of each bin's power."""
    frequency_hz = torch.arange(SCALE.n_fft // 2 + 1) * SCALE.bin_hz
    return db_to_power(a_curve_db(frequency_hz.clamp_min(10.0)))[:, None]


def along_harmonics(heard: Heard) -> Float[Tensor, "batch mels frames"]:
    """The mels again, from half the pitch that is heard to 64 times it, by octaves.

    A saw and a square differ in the same rows of it, whatever the key. Where no pitch is heard it
    is as if middle C were.
    """
    pitch = pitches_heard(heard).nan_to_num(_MIDDLE_PITCH)
    place = SCALE.band_of(midi_to_hz(pitch)[:, None] * _RATIOS.to(pitch))
    bands = torch.arange(SCALE.n_mels).to(pitch)
    weights = (1 - (place[:, :, None] - bands).abs()).clamp_min(0.0)
    return weights @ (heard.mel + 1.0) - 1.0


def pitch_heard(heard: Heard) -> float | None:
    """MIDI number of one sound; None where there is none."""
    pitch = float(pitches_heard(heard)[0])
    return None if math.isnan(pitch) else pitch


def loudest_hz(heard: Heard) -> float:
    """Where the spectrum of one sound is strongest, over all of its time, in Hz."""
    power = db_to_power(denormalise_db(heard.mel[0])).mean(-1)
    return float(SCALE.centres_hz()[power.argmax()])


def pitches_heard(heard: Heard) -> Float[Tensor, " batch"]:
    """MIDI numbers: medians of loud and clear frames; NaN where few of the loud ones are clear."""
    pitch, clearness, loudness = heard.curves.unbind(1)
    loud = loudness >= _LOUD
    counts = (clearness >= _CLEAR) & loud
    few = counts.float().mean(-1) < _SHARE_OF_LOUD * loud.float().mean(-1)
    median = pitch.masked_fill(~counts, torch.nan).nanmedian(-1).values
    return _MIDDLE_PITCH + _PITCH_SPREAD * median.masked_fill(few, torch.nan)
