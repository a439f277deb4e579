"""What was said of a frame, as voices play it: gains, harmonics of the slots, what is beyond.

What `sound_of` does with whole performances. At a higher rate than the model's own, partials end
where its own rate had no room for more, and so do the bands; at a lower one, where that rate has.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from timbrel.dsp.compiling import kernel, part
from timbrel.dsp.tracks.kernel import push
from timbrel.dsp.tracks.synthesis import FADE_FROM
from timbrel.dsp.tracks.tracks import SILENT_DB
from timbrel.instruments.ddsp.network import DdspNetwork
from timbrel.instruments.ddsp.turning import NUMBER, knob_at

_HARMONIC_GAIN, _NOISE_GAIN = NUMBER["harmonic_gain"], NUMBER["noise_gain"]

MOST_PARTIALS = 200

_FACTS = np.dtype([
    ("sample_rate", "f8"), ("own_rate", "f8"), ("n_slots", "i8"), ("n_bands", "i8"),
], align=True)  # fmt: skip


class Frames(NamedTuple):
    """What is the same for all frames, and room for one.

    Attributes:
        facts: sample rates, played and learned; slots and bands.
        places: of each harmonic among the slots.
        f0_hz, harmonic_db, noise_db: the frame that is pushed.
    """

    facts: np.void
    places: np.ndarray
    f0_hz: np.ndarray
    harmonic_db: np.ndarray
    noise_db: np.ndarray


def frames_of(network: DdspNetwork, sample_rate: int, n_partials: int = MOST_PARTIALS) -> Frames:
    """Frames of a network, to be played at a sample rate."""
    slots, n_bands = network.slots, network.bands.n_bands
    facts = np.zeros(1, _FACTS)
    facts[0] = sample_rate, network.settings.sample_rate, slots.n_slots, n_bands
    numbers, points = np.arange(1, n_partials + 1), slots.centres.double().numpy()
    return Frames(
        facts[0],
        np.interp(numbers, points, np.arange(slots.n_slots)),
        np.zeros(1, np.float32),
        np.zeros((1, n_partials), np.float32),
        np.zeros((1, n_bands), np.float32),
    )


@kernel
def push_said(tracks, frames, knobs, voice, said, f0_hz, begin_at):
    """Give a voice of `TrackVoices` its next frame.

    Args:
        tracks: their state.
        frames: how.
        knobs: of the controls.
        voice: its number.
        said: levels of slots, then of bands.
        f0_hz: of the frame.
        begin_at: sample of the knobs' clock at which the voice began.
    """
    at = begin_at + next_at(tracks.of[voice])
    facts, harmonic_db, noise_db = frames.facts, frames.harmonic_db[0], frames.noise_db[0]
    gain_db = np.float32(knob_at(knobs, _HARMONIC_GAIN, at))
    for k in range(len(harmonic_db)):
        left = min(np.int64(frames.places[k]), facts.n_slots - 2)
        share = np.float32(frames.places[k] - left)
        harmonic_db[k] = said[left] + (said[left + 1] - said[left]) * share + gain_db
    if facts.sample_rate > facts.own_rate:
        _end_at_own_rate(f0_hz / facts.own_rate, harmonic_db)
    gain_db = np.float32(knob_at(knobs, _NOISE_GAIN, at))
    for band in range(facts.n_bands):
        noise_db[band] = said[facts.n_slots + band] + gain_db
    frames.f0_hz[0] = f0_hz
    push(tracks, voice, frames.f0_hz, frames.harmonic_db, frames.noise_db, facts.sample_rate)


@part
def next_at(note):
    """Sample of its own at which a voice comes to the next frame that it is given."""
    hops = note.pushed if note.at == 0 else note.hops + 1 + note.pushed - note.right
    return hops * note.hop


@part
def _end_at_own_rate(step, harmonic_db):
    """Fade partials out towards the Nyquist frequency of the rate that they were learned at."""
    for k in range(len(harmonic_db)):
        cycles = (k + 1) * step
        if cycles >= 0.5:
            harmonic_db[k] = SILENT_DB
        elif cycles > FADE_FROM:
            way = np.pi * (cycles - FADE_FROM) / (0.5 - FADE_FROM)
            harmonic_db[k] += 20 * np.log10(0.5 + 0.5 * np.cos(way))
