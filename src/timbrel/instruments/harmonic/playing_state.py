"""The arrays that a player's compiled code works on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks.bands import MELS_APART
from timbrel.instruments.harmonic.compiled_decoder import ROWS, conditions, desk, weights_of
from timbrel.instruments.harmonic.course import heard_moments, release_moments
from timbrel.instruments.harmonic.knobs import CONTROLS, TILTED_AROUND_HZ
from timbrel.instruments.harmonic.knots import hats
from timbrel.instruments.harmonic.playing import FROM, KNOB_S, N_EXTRA, NOTE, TO, Model, Playing
from timbrel.instruments.harmonic.said import LONGEST_HOLD_S
from timbrel.instruments.harmonic.said import SLOPE_OVER_S as END_SLOPE_OVER_S
from timbrel.instruments.harmonic.sounding import WELL_KNOWN_S
from timbrel.instruments.harmonic.take import Take

if TYPE_CHECKING:
    from timbrel.instruments.harmonic.instrument import Harmonic

_MOST_ASKED = 256
"""Moments that one frame can ask for: all of them, and those of its attack and release."""


def model_of(instrument: Harmonic, sample_rate: int, takes: Sequence[Take]) -> Model:
    """What is the same for all notes of an instrument at a player's sample rate."""
    layout, network = instrument.layout, instrument.network
    slots, bands = network.slots, network.bands
    moments, released = heard_moments(), release_moments()
    n_harmonics = int(slots.firsts[-1] + slots.counts[-1]) - 1
    centres, bands_hz = slots.centres.double().numpy(), bands.centres_hz().double().numpy()
    dimensions = [dimension.size for dimension in layout.space.dimensions]
    knots = (
        layout.of_slots, layout.of_bands, layout.burst_of_bands, layout.burst_of_ticks,
        hats(moments, layout.held_s), hats(moments, layout.noise_held_s),
        hats(released, layout.released_s), slots.interpolation(n_harmonics).T,
    )  # fmt: skip
    places = np.zeros((len(knots), max(len(weights) for weights in knots)))
    for row, weights in zip(places, knots, strict=True):
        row[: len(weights)] = _places(weights)
    return Model(
        weights=weights_of(network.decoder),
        rates=np.array([sample_rate, instrument.sample_rate, MELS_APART, WELL_KNOWN_S]),
        sizes=np.array([
            slots.n_slots, bands.n_bands, slots.n_slots + bands.n_bands,
            layout.n_groups, layout.n_band_groups, layout.burst_of_bands.shape[1],
        ]),
        parts=np.cumsum([0, *dimensions]),
        moments=moments.double().numpy(), released=released.double().numpy(),
        counts=np.array([
            int((moments <= LONGEST_HOLD_S).sum()),
            int((moments < LONGEST_HOLD_S - END_SLOPE_OVER_S).sum()),
        ]),
        centres=centres, bands_hz=bands_hz,
        tilt=np.log2(np.concatenate([centres, bands_hz]) / TILTED_AROUND_HZ),
        places=places,
        takes=np.array([[t.level_db, t.detune_cents, *t.drifts.tolist()] for t in takes]),
    )  # fmt: skip


def _places(weights: Float[Tensor, "points knots"]) -> np.ndarray:
    """Places of points that are each on or between neighbouring knots, from all knots' weights."""
    return (weights.double() @ torch.arange(weights.shape[1], dtype=torch.float64)).numpy()


def playing_of(model: Model, n_voices: int, size: int, sample_rate: int) -> Playing:
    """Room for the notes of so many voices, with timbres of so many numbers."""
    n_rows = n_voices + 2
    n_slots, n_bands, n_levels = (int(size) for size in model.sizes[:3])
    n_harmonics = model.places.shape[1]
    n_moments, n_released = len(model.moments), len(model.released)

    def levels(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    knobs = np.zeros((3, len(CONTROLS) + 1))
    knobs[FROM, :-1] = knobs[TO, :-1] = [control.default for control in CONTROLS]
    knobs[FROM, -1] = KNOB_S * sample_rate
    return Playing(
        of=np.zeros(n_rows, NOTE),
        timbre=levels(n_rows, size),
        conditions=conditions(n_rows, model.weights),
        slots=np.zeros((n_rows, 2, n_slots)),
        known=np.zeros((n_rows, n_moments + 1 + n_released), bool),
        levels=levels(n_rows, n_moments + n_released + N_EXTRA, n_levels + 2),
        knobs=knobs,
        asked=np.zeros((_MOST_ASKED * n_voices + 1, 3), np.int64),
        new=np.zeros(n_rows, np.int64),
        desk=desk(model.weights), moment_s=np.zeros((2, ROWS)), rows=np.zeros(ROWS, np.int64),
        row=levels(4, n_levels + 2),
        f0_hz=levels(1), harmonic_db=levels(1, n_harmonics), noise_db=levels(1, n_bands),
    )  # fmt: skip
