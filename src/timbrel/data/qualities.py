"""NSynth's note qualities, measured from the sound where a set has none.

NSynth's were set by people and their tools; these are rules, so that anyone can say why a note has
one. The thresholds were read off FluidR3Mono's 92 programs, where they part what a listener would
(pianos from organs, bells from flutes); they are absolute, so a note's qualities do not depend on
the set it is in. Levels are of the smoothed energy envelope, "held" is before the key goes up.

    bright        amplitude-weighted centroid above 1800 Hz at C4, rising 0.4 octaves an octave of
                  pitch: the brightest 15 % of FluidR3Mono
    dark          that centroid below 530 Hz at C4, rising 0.7 octaves an octave: the darkest 15 %
    fast_decay    held for 1 s or more, and then at least 20 dB below its maximum
    long_release  falls by less than 15 dB in the half second after key-up
    nonlinear_env rises again by 9 dB or more while held (after its first 0.3 s)
    percussive    at full level in 30 ms, with a burst that goes away: 0.2 s later the mel bands
                  have lost 12 dB on average

Distortion, multiphonic, reverb and tempo-synced are never set: a note alone does not tell a
distorted string from a bright one, an interval from a bell, a room from a release, or a tempo.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from timbrel.data.nsynth_layout import QUALITIES
from timbrel.dsp.mel import MelScale, mel_power
from timbrel.dsp.stft import stft

BRIGHT_HZ, BRIGHT_SLOPE = 1800.0, 0.4
DARK_HZ, DARK_SLOPE = 530.0, 0.7
FAST_DECAY_DB = 20.0
LONG_RELEASE_DB = 15.0
RISE_DB = 9.0
PERCUSSIVE_ATTACK_S = 0.03
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
    centroid = centroid_hz(audio, sample_rate)
    measured = {
        "bright": centroid > BRIGHT_HZ * 2.0 ** (BRIGHT_SLOPE * octaves),
        "dark": centroid < DARK_HZ * 2.0 ** (DARK_SLOPE * octaves),
        "fast_decay": (fall_db(level_db, hold_s) >= FAST_DECAY_DB) & (hold_s >= 1.0),
        "long_release": release_db(level_db, hold_s) < LONG_RELEASE_DB,
        "nonlinear_env": rise_db(level_db, hold_s) >= RISE_DB,
        "percussive": (attack_s(level_db) <= PERCUSSIVE_ATTACK_S)
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
    return 10.0 * (padded.unfold(1, 4, 1).mean(-1) + 1e-12).log10()


def centroid_hz(audio: Float[Tensor, "notes time"], sample_rate: int) -> Float[Tensor, " notes"]:
    """Amplitude-weighted mean frequency below 8 kHz, over frames within 30 dB of the loudest.

    Bins more than 60 dB under the loudest are left out: they hold the file's rounding noise.

    >>> tone = (torch.arange(16000) * (2 * torch.pi * 1000 / 16000)).sin()[None]
    >>> round(centroid_hz(tone, 16000).item(), -1)
    1000.0
    """
    n_fft = _power_of_two(0.064 * sample_rate)
    magnitude = stft(audio, n_fft, n_fft // 2).abs()
    frequency_hz = torch.arange(magnitude.shape[1]) * (sample_rate / n_fft)
    top = magnitude.amax((1, 2), keepdim=True)
    audible = (magnitude >= top * 1e-3) & (frequency_hz[:, None] <= _HIGHEST_HZ)
    magnitude = magnitude * audible
    energy = magnitude.square().sum(1)
    loud = energy > energy.amax(1, keepdim=True) * 1e-3
    spectrum = (magnitude * loud[:, None]).sum(-1)
    return (spectrum @ frequency_hz) / spectrum.sum(-1).clamp_min(1e-9)


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


def attack_s(level_db: Float[Tensor, "notes frames"]) -> Float[Tensor, " notes"]:
    """Time from 20 dB below the maximum to 3 dB below it."""
    below = level_db.amax(1, keepdim=True) - level_db
    first = [(below <= distance).float().argmax(1) for distance in (3.0, 20.0)]
    return (first[0] - first[1]) * _FRAME_S


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
    return 10.0 * (early.maximum(floor) / late.maximum(floor)).log10().mean(1)


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
