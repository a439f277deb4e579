"""What the decoder does not say of a recording: how it is measured, and read at any pitch.

A residual belongs partly to a harmonic's number (an even harmonic that is missing) and partly to
its frequency (a resonance), and nobody knows which from one note. Over the instruments of another
SoundFont than the training's, reading all of it by number came nearest to the true notes on average
within an octave (4.6 dB, against 4.9 half and half and 5.2 by frequency), and counting it for 0.8
away from its pitch; an octave down the two ways were alike. Noise came nearest half-way (LOG.md).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.tracks import SILENT_DB, Tracks
from timbrel.instruments.harmonic.course import course_of, heard_moments, release_moments
from timbrel.instruments.harmonic.hearing import Heard
from timbrel.instruments.harmonic.knots import hats, knots_of, read
from timbrel.instruments.harmonic.network import band_shares
from timbrel.instruments.harmonic.said import SOFTEST_DB
from timbrel.instruments.harmonic.slots import Slots
from timbrel.instruments.harmonic.timbre_layout import N_OFFSETS, Layout, Parts
from timbrel.units import db_to_power, midi_to_hz, power_to_db

BY_NUMBER = 1.0
"""Share of the partials' residual that goes with their numbers, the rest with frequency."""

NOISE_MOVES = 0.5
"""Share of the noise's residual that moves with pitch, the rest stays at its frequency."""

FAR_GAIN = 0.8
NEAR_SEMITONES, FAR_SEMITONES = 0.5, 5.0

_BELOW_NYQUIST = 0.475
_STANDING_IN = 3
_SWELLS_ABOVE_DB = -60.0
_MOST_SWELL_DB = 12.0


def counts_at(semitones: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """Gain of a residual so far from its recorded pitch.

    >>> counts_at(torch.tensor([0.0, -0.5, 2.75, 12.0]))
    tensor([1.0000, 1.0000, 0.9000, 0.8000])
    """
    way = (semitones.abs() - NEAR_SEMITONES) / (FAR_SEMITONES - NEAR_SEMITONES)
    return 1 - (1 - FAR_GAIN) * way.clamp(0, 1)


def slots_at(
    layout: Layout, slots: Slots, semitones: Float[Tensor, ""]
) -> Float[Tensor, "slots groups"]:
    """Weight of each group of a residual in each slot of a note so much above the recorded one."""
    by_frequency = hats(slots.centres * 2 ** (semitones / 12), slots.centres)
    by_number = torch.eye(slots.n_slots)
    return torch.lerp(by_frequency, by_number, BY_NUMBER) @ layout.of_slots


def bands_at(
    layout: Layout, bands: Bands, semitones: Float[Tensor, ""]
) -> Float[Tensor, "bands groups"]:
    """The same of the noise's groups in each band."""
    moved = band_shares(bands.centres_hz() * 2 ** (-semitones / 12), bands).T
    return torch.lerp(torch.eye(bands.n_bands), moved, NOISE_MOVES) @ layout.of_bands


def held_residual(
    layout: Layout, slots: Slots, bands: Bands, parts: Parts, pitch: Float[Tensor, ""]
) -> Float[Tensor, "heard levels"]:
    """DB to be added to `held_levels` of a note."""
    moments_s, semitones = heard_moments(), pitch - parts.pitch
    partial = hats(moments_s, layout.held_s) @ parts.partial
    noise = hats(moments_s, layout.noise_held_s) @ parts.noise
    return _read(layout, slots, bands, partial, noise, semitones)


def released_residual(
    layout: Layout, slots: Slots, bands: Bands, parts: Parts, pitch: Float[Tensor, ""]
) -> Float[Tensor, "released levels"]:
    """DB to be added to `fallen_levels` of a note."""
    at = hats(release_moments(), layout.released_s)
    partial, noise = at @ parts.partial_released, at @ parts.noise_released
    return _read(layout, slots, bands, partial, noise, pitch - parts.pitch)


def _read(
    layout: Layout, slots: Slots, bands: Bands, partial: Tensor, noise: Tensor, semitones: Tensor
) -> Tensor:
    partial = partial @ slots_at(layout, slots, semitones).T
    noise = noise @ bands_at(layout, bands, semitones).T
    return counts_at(semitones) * torch.cat([partial, noise], -1)


def heard_levels(heard: Heard, slots: Slots, moments_s: Float[Tensor, " moments"]) -> Tensor:
    """Levels of a recording at rising moments, in one row as in `said`."""
    return torch.cat(course_of(heard.tracks, slots, moments_s), -1)


def slots_heard(heard: Heard, slots: Slots, sample_rate: int) -> Float[Tensor, " slots"]:
    """1 for slots all of which lies below Nyquist in a recording, 0 for the others."""
    lasts = slots.firsts + slots.counts - 1
    below = lasts * midi_to_hz(heard.pitch) < _BELOW_NYQUIST * sample_rate
    return (below | (slots.firsts == 1)).float()


def residual_of(
    heard: Heard,
    level_db: float,
    held: Float[Tensor, "heard levels"],
    fallen: Float[Tensor, "released levels"],
    layout: Layout,
    slots: Slots,
    bands: Bands,
) -> Parts:
    """A recording's timbre without its latent.

    Args:
        heard: the recording.
        level_db: of the recording re the instrument's reference.
        held: what the decoder says of it while the key was down.
        fallen: and after it came up at `heard.known_s`.
        layout: of the timbre.
        slots: of the model.
        bands: of the model.
    """
    n_slots, below = slots.n_slots, slots_heard(heard, slots, bands.sample_rate)
    moments_s = heard_moments()
    n_known = max(1, int((moments_s < heard.settled_s).sum()))
    wanted = heard_levels(heard, slots, moments_s[:n_known]) + level_db
    beyond = wanted.clamp_min(SOFTEST_DB) - held[:n_known]
    partial, noise = _in_knots(beyond, moments_s, (layout.held_s, layout.noise_held_s), layout,
                               below)  # fmt: skip
    parts = layout.zero()._replace(
        pitch=torch.tensor(heard.pitch), known_s=torch.tensor(heard.known_s),
        offset=_offsets(heard.tracks), partial=partial, noise=noise,
        burst=_burst(heard.tracks, level_db, layout),
    )  # fmt: skip
    parts = _with_release(parts, heard, level_db, held, fallen, layout, slots, bands, below)
    levels = held + held_residual(layout, slots, bands, parts, parts.pitch)
    return _with_movement(parts, heard, level_db, levels[:, :n_slots], layout, slots)


def _in_knots(
    beyond: Float[Tensor, "known levels"],
    moments_s: Float[Tensor, " moments"],
    knots_s: tuple[Tensor, Tensor],
    layout: Layout,
    below: Float[Tensor, " slots"],
) -> tuple[Tensor, Tensor]:
    """What is known at the first moments, in the knots of partials and of noise.

    Of what is not known, later and higher up, the nearest that is stands in.
    """
    recent = beyond[-_STANDING_IN:].mean(0).expand(len(moments_s) - len(beyond), -1)
    beyond = torch.cat([beyond, recent])
    highest = max(int(below.sum()) - 1, 0)
    slot = torch.arange(len(below)).clamp(max=highest)
    partial, noise = beyond[:, slot], beyond[:, len(below) :]
    at_partial, at_noise = (hats(moments_s, knots) for knots in knots_s)
    partial = knots_of(knots_of(partial, at_partial).T, layout.of_slots).T
    return partial, knots_of(knots_of(noise, at_noise).T, layout.of_bands).T


def _offsets(tracks: Tracks) -> Float[Tensor, " offsets"]:
    own = tracks.offset[:N_OFFSETS]
    return torch.nn.functional.pad(own, (0, N_OFFSETS - len(own)))


def _burst(tracks: Tracks, level_db: float, layout: Layout) -> Tensor:
    """Mean power of the burst in the layout's few ticks and bands, in dB above the softest."""
    power = db_to_power(tracks.transient_db) * (tracks.transient_db > SILENT_DB)
    ticks, bands = layout.burst_of_ticks, layout.burst_of_bands
    mean = (ticks / ticks.sum(0)).T @ power @ (bands / bands.sum(0))
    return (power_to_db(mean + 1e-20) + level_db - SOFTEST_DB).clamp_min(0)


def _with_release(
    parts: Parts, heard: Heard, level_db: float, held: Tensor, fallen: Tensor,
    layout: Layout, slots: Slots, bands: Bands, below: Tensor,
) -> Parts:  # fmt: skip
    """With what the decoder does not say of the release, if it was heard."""
    since_s = release_moments()
    n_known = int((heard.known_s + since_s < heard.end_s).sum())
    if not heard.was_released or n_known == 0:
        return parts
    levels = held + held_residual(layout, slots, bands, parts, parts.pitch)
    base = read(levels, heard_moments(), torch.tensor([heard.known_s]))
    wanted = heard_levels(heard, slots, heard.known_s + since_s) + level_db
    wanted = wanted.clamp_min(SOFTEST_DB)
    said = base + fallen
    beyond = torch.where((wanted > SOFTEST_DB) | (said > SOFTEST_DB), wanted - said, 0.0)
    both_s = (layout.released_s, layout.released_s)
    partial, noise = _in_knots(beyond[:n_known], since_s, both_s, layout, below)
    return parts._replace(partial_released=partial, noise_released=noise)


def _with_movement(
    parts: Parts, heard: Heard, level_db: float, levels: Tensor, layout: Layout, slots: Slots
) -> Parts:
    """With the movement of pitch and of all partials in common, while the key was down."""
    tracks = heard.tracks
    time_s = torch.arange(tracks.n_frames) / tracks.frame_rate
    basis = hats(time_s, layout.moved_s)
    power = db_to_power(tracks.harmonic_db)
    total = power.sum(-1)
    loud = (total > total.max() * db_to_power(_SWELLS_ABOVE_DB)) & (time_s <= heard.settled_s)
    inside = layout.moved_s <= heard.known_s
    cents = 1200 * (tracks.f0_hz / midi_to_hz(heard.pitch)).log2()
    said = slots.spread(read(levels, heard_moments(), time_s), tracks.n_harmonics)
    wanted = (tracks.harmonic_db + level_db).clamp_min(SOFTEST_DB)
    swell = ((wanted - said.clamp_min(SOFTEST_DB)) * power).sum(-1) / total.clamp_min(1e-12)
    swell = swell.clamp(-_MOST_SWELL_DB, _MOST_SWELL_DB)
    wander, swell = knots_of(torch.stack([cents, swell], 1), basis, loud.float()).unbind(1)
    # how far a note is out of tune belongs to it, and goes on; its movement does not
    tuning = (cents * loud).sum() / loud.sum().clamp_min(1)
    return parts._replace(
        wander=torch.where(inside, wander, tuning), swell=torch.where(inside, swell, 0.0)
    )


def burst_levels(layout: Layout, parts: Parts, gain_db: Tensor) -> Float[Tensor, "ticks bands"]:
    """The burst of a note in dB, so much louder than it was recorded."""
    above = layout.burst_of_ticks @ parts.burst @ layout.burst_of_bands.T
    heard = above > -SOFTEST_DB * 1e-3
    return torch.where(heard, above + SOFTEST_DB + gain_db, above.new_tensor(SILENT_DB))
