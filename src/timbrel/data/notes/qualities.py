"""NSynth's note qualities, measured from the sound where a set has none.

NSynth's were set by people and their tools; these are rules, so that anyone can say why a note has
one. The thresholds were read off FluidR3Mono's 92 programs, where they part what a listener would
(pianos from organs, bells from flutes); they are absolute, so a note's qualities do not depend on
the set it is in. Centroid and attack are those of `dsp.descriptors`, levels are of the smoothed
energy envelope, "held" is before the key goes up.

    bright        spectral centroid below 8 kHz above 1850 Hz at C4, rising 0.4 octaves an octave of
                  pitch: the brightest 15 % of FluidR3Mono
    dark          that centroid below 560 Hz at C4, rising 0.7 octaves an octave: the darkest 15 %
    fast_decay    held for 1 s or more, and then at least 20 dB below its maximum
    long_release  falls by less than 15 dB in the half second after key-up
    nonlinear_env rises again by 9 dB or more while held (after its first 0.3 s)
    percussive    attack of 50 ms or less, with a burst that goes away: 0.2 s later the mel bands
                  have lost 12 dB on average

Distortion, multiphonic, reverb and tempo-synced are never set: a note alone does not tell a
distorted string from a bright one, an interval from a bell, a room from a release, or a tempo.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from timbrel.data.notes.nsynth_layout import QUALITIES
from timbrel.dsp.descriptors import attack_s, spectral_centroid_hz
from timbrel.dsp.mel import MelScale, mel_power
from timbrel.units import power_to_db

BRIGHT_HZ, BRIGHT_SLOPE = 1850.0, 0.4
DARK_HZ, DARK_SLOPE = 560.0, 0.7
FAST_DECAY_DB = 20.0
LONG_RELEASE_DB = 15.0
RISE_DB = 9.0
PERCUSSIVE_ATTACK_S = 0.05
PERCUSSIVE_BURST_DB = 12.0

_FRAME_S = 0.01
_HIGHEST_HZ = 8000.0
_SHORTEST_S = 1.0


def measure_qualities(
    audio: Float[Tensor, "notes time"],
    pitch: Float[Tensor, " notes"] | Int[Tensor, " notes"],
    hold_s: Float[Tensor, " notes"],
    sample_rate: int,
) -> Bool[Tensor, "notes 10"]:
    """Which of NSynth's ten qualities each note has, by the rules above.

    Args:
        audio: notes that begin at their onset.
        pitch: MIDI numbers.
        hold_s: seconds from onset to key-up.
        sample_rate: in Hz.

    >>> audio = (torch.arange(64000) * 0.05).sin()[None]  # a plain tone: dark, and ends abruptly
    >>> has = measure_qualities(audio, torch.tensor([50.2]), torch.tensor([3.0]), 16000)
    >>> [name for name, there in zip(QUALITIES, has[0].tolist()) if there]
    ['dark', 'long_release']
    """
    shortest = round(_SHORTEST_S * sample_rate)
    audio = torch.nn.functional.pad(audio, (0, max(0, shortest - audio.shape[1])))
    level_db = envelope_db(audio, sample_rate)
    octaves = (pitch - 60) / 12.0
    centroid = spectral_centroid_hz(audio, sample_rate, highest_hz=_HIGHEST_HZ)
    measured = {
        "bright": centroid > BRIGHT_HZ * 2.0 ** (BRIGHT_SLOPE * octaves),
        "dark": centroid < DARK_HZ * 2.0 ** (DARK_SLOPE * octaves),
        "fast_decay": (fall_db(level_db, hold_s) >= FAST_DECAY_DB) & (hold_s >= 1.0),
        "long_release": release_db(level_db, hold_s) < LONG_RELEASE_DB,
        "nonlinear_env": rise_db(level_db, hold_s) >= RISE_DB,
        "percussive": (attack_s(audio, sample_rate) <= PERCUSSIVE_ATTACK_S)
        & (burst_db(audio, sample_rate) >= PERCUSSIVE_BURST_DB),
    }
    sounds = audio.abs().amax(1) > 1e-5
    none = torch.zeros_like(sounds)
    return torch.stack([measured.get(name, none) & sounds for name in QUALITIES], dim=1)


def envelope_db(
    audio: Float[Tensor, "notes time"], sample_rate: int
) -> Float[Tensor, "notes frames"]:
    """Level in dB every 10 ms, over 40 ms: longer than a period of the lowest notes.

    >>> envelope_db(torch.ones(1, 16000), 16000).shape
    torch.Size([1, 100])
    """
    hop = round(_FRAME_S * sample_rate)
    frames = audio.shape[1] // hop
    energy = audio[:, : frames * hop].reshape(len(audio), frames, hop).square().mean(-1)
    padded = torch.nn.functional.pad(energy[:, None], (2, 1), mode="replicate")[:, 0]
    return power_to_db(padded.unfold(1, 4, 1).mean(-1) + 1e-12)


def fall_db(
    level_db: Float[Tensor, "notes frames"], hold_s: Float[Tensor, " notes"]
) -> Float[Tensor, " notes"]:
    """How far below its maximum a note is just before key-up."""
    return level_db.amax(1) - _mean_between(level_db, hold_s - 0.13, hold_s - 0.03)


def release_db(
    level_db: Float[Tensor, "notes frames"], hold_s: Float[Tensor, " notes"]
) -> Float[Tensor, " notes"]:
    """How far a note falls in the half second after key-up.

    Infinite where it was over before key-up, or where the sound ends too soon after it to tell.
    """
    at_key_up = _mean_between(level_db, hold_s - 0.13, hold_s - 0.03)
    fallen = at_key_up - _mean_between(level_db, hold_s + 0.45, hold_s + 0.55)
    told = hold_s + 0.55 <= level_db.shape[1] * _FRAME_S
    return torch.where(told & (at_key_up > level_db.amax(1) - 40.0), fallen, torch.inf)


def rise_db(
    level_db: Float[Tensor, "notes frames"], hold_s: Float[Tensor, " notes"]
) -> Float[Tensor, " notes"]:
    """The largest rise over an earlier level, from 0.3 s after the onset to key-up."""
    slow = torch.nn.functional.avg_pool1d(level_db[:, None], 10, stride=5)[:, 0]
    end_s = (torch.arange(slow.shape[1]) * 5 + 10) * _FRAME_S
    held = (end_s >= 0.4) & (end_s <= hold_s[:, None] - 0.03)
    lowest = torch.where(held, slow, torch.inf).cummin(1).values
    audible = held & (slow > level_db.amax(1, keepdim=True) - 40.0)
    return torch.where(audible, slow - lowest, 0.0).amax(1)


def burst_db(audio: Float[Tensor, "notes time"], sample_rate: int) -> Float[Tensor, " notes"]:
    """How much louder the mel bands are at the onset than 0.2 s later, on average over bands.

    Levels count down to 60 dB under the onset's loudest band, so that silence stays finite.
    """
    scale = MelScale(
        sample_rate,
        n_fft=_power_of_two(0.032 * sample_rate),
        hop_length=round(0.005 * sample_rate),
        n_mels=40,
        maximum_hz=min(7600.0, 0.475 * sample_rate),
    )
    beginning = audio[:, : round(_SHORTEST_S * sample_rate)]
    power = mel_power(beginning, scale)
    energy = power.sum(1)
    onset = (energy > energy.amax(1, keepdim=True) * 0.01).float().argmax(1)
    onset = onset.clamp(max=power.shape[-1] - 44)[:, None]

    def frames(first: int, last: int) -> Tensor:
        place = (onset + torch.arange(first, last))[:, None, :].expand(-1, power.shape[1], -1)
        return power.gather(2, place)

    early, late = frames(0, 8).amax(-1), frames(36, 44).mean(-1)
    floor = early.amax(1, keepdim=True).clamp_min(1e-12) * 1e-6
    return power_to_db(early.maximum(floor) / late.maximum(floor)).mean(1)


def _mean_between(level_db: Tensor, start_s: Tensor, end_s: Tensor) -> Tensor:
    """Mean level over a span of each note, or the nearest frame where the span holds none."""
    time_s = (torch.arange(level_db.shape[1]) + 0.5) * _FRAME_S
    inside = (time_s >= start_s[:, None]) & (time_s < end_s[:, None])
    mean = (level_db * inside).sum(1) / inside.sum(1)
    last = level_db.shape[1] - 1
    nearest = (end_s / _FRAME_S).long().clamp(0, last)
    return torch.where(inside.any(1), mean, level_db.gather(1, nearest[:, None])[:, 0])


def _power_of_two(length: float) -> int:
    return 1 << round(length - 1).bit_length()
