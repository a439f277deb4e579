"""The arrays that a player's compiled code works on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.instruments.harmonic.compiled_decoder import (
    ROWS,
    conditions,
    decoder_layers,
    desk,
)
from timbrel.instruments.harmonic.course import heard_moments, release_moments
from timbrel.instruments.harmonic.knobs import CONTROLS, TILTED_AROUND_HZ
from timbrel.instruments.harmonic.knots import hats
from timbrel.instruments.harmonic.said import END_SLOPE_OVER_S, LONGEST_HOLD_S
from timbrel.instruments.harmonic.take import Take
from timbrel.instruments.harmonic.timbre_layout import Parts
from timbrel.nn.compiled import Layers

if TYPE_CHECKING:
    from timbrel.instruments.harmonic.instrument import Harmonic

MOVE_FRAMES = 4
"""A note that sounds goes over to a new timbre in so many frames: 20 ms."""

_KNOB_S = 0.015
"""Time constant with which knobs are followed."""

_MOST_ASKED = 256
"""Moments that one frame can ask for: all of them, and those of its attack and release."""


NOTE = np.dtype([
    ("is_on", "?"), ("waits", "?"), ("is_new", "?"), ("is_patchy", "?"), ("has_slope", "?"),
    ("is_looped", "?"),
    ("pitch", "f8"), ("velocity", "f8"), ("begin_at", "i8"), ("held_s", "f8"),
    ("attack", "f8"), ("release", "f8"), ("rise_s", "f8"), ("take", "i8"), ("turn", "f8"),
    ("glide", "f8"), ("glide_s", "f8"), ("glide_at_s", "f8"), ("ahead_s", "f8"),
    ("loudest", "f8"), ("quiet", "i8"),
    ("loop_begin_s", "f8"), ("loop_end_s", "f8"), ("loop_fade_s", "f8"),
    ("loud_db", "f8"), ("attack_db", "f8"), ("gain", "f8"), ("gap_left", "i8"),
], align=True)  # fmt: skip
"""What is known of a note.

| field                | what                                                                   |
|----------------------|------------------------------------------------------------------------|
| `is_on`              | whether the voice has a note that is to go on                          |
| `waits`              | whether a new timbre waits for it                                      |
| `is_new`             | whether its condition has to be said                                   |
| `is_patchy`          | whether some of its past was never said                                |
| `has_slope`          | whether its `SLOPE` was found                                          |
| `is_looped`          | whether its sound is known for long enough for levels to be looped     |
| `begin_at`           | sample of the player's clock at which it began                         |
| `held_s`             | its time when its key came up; infinite while it is down               |
| `ahead_s`            | its time less its voice's: a slurred note begins within its sound      |
| `attack`, `release`  | how the knobs stood when it began and when its key came up             |
| `rise_s`             | how long the attack takes; NaN until that is known                     |
| `take`, `turn`       | number of its take; where vibrato is, in cycles                        |
| `glide`, `glide_s`   | semitones off its pitch when a glide begins, and how long it takes     |
| `glide_at_s`         | when it begins, in its voice's time                                    |
| `loudest`, `quiet`   | of its levels so far; frames that it has been inaudible for            |
| `loop_...`           | of the movement                                                        |
| `loud_db`            | of the recording's attack; NaN: not said yet; infinite: it has none    |
| `attack_db`          | its own, while that is being found; infinite where nobody asks         |
| `gain`               | of the timbre's residual                                               |
| `gap_left`           | frames until it has gone over to a new timbre                          |
"""

FACTS = np.dtype([
    ("sample_rate", "f8"), ("own_rate", "f8"),
    ("n_slots", "i8"), ("n_bands", "i8"), ("n_levels", "i8"),
    ("n_groups", "i8"), ("n_band_groups", "i8"), ("n_burst_bands", "i8"),
    ("n_moments", "i8"), ("n_asked", "i8"), ("early", "i8"),
], align=True)  # fmt: skip
"""What is the same for all notes.

| field                       | what                                                            |
|-----------------------------|-----------------------------------------------------------------|
| `sample_rate`, `own_rate`   | the player's and the instrument's                               |
| `n_levels`                  | slots and bands together                                        |
| `n_moments`                 | of a key that is down                                           |
| `n_asked`                   | how many of them the decoder is asked for; others follow        |
| `early`                     | the one where the last slope begins                             |
"""

PARTS = np.dtype([(name, "i8") for name in Parts._fields], align=True)
"""Where each part of a timbre begins."""

EARLY, LATE, SLOPE, AT_UP, LAST, GAP = range(-6, 0)
"""Rows of levels behind those of the moments: what the decoder said where the last slope begins
and where the longest hold ends; the slope; what it said at the release; the latest frame, with its
cents and swell; and what that misses of a new timbre's."""

_N_EXTRA = 6
BODY, BY_FREQUENCY, MOVED = range(3)
GROUPS, BAND_GROUPS, BURST_BANDS, BURST_TICKS, HELD, NOISE_HELD, AT_RELEASE, HARMONICS = range(8)
FROM, TO, AT = range(3)
ROW, SPARE, OTHER, LINEAR = range(4)


class Model(NamedTuple):
    """What is the same for all notes. A place is a knot's number and the way to the next.

    Attributes:
        layers: of the decoder.
        facts: what `FACTS` says.
        parts: what `PARTS` says.
        moments, released: seconds of the moments.
        centres, bands_hz: harmonic number in the middle of each slot, and each band's centre.
        tilt: log2 of both in kHz, of slots as if their f0 were 1 Hz.
        places: of slots, bands, ticks and moments between the knots of a timbre, and of harmonics
            between slots: a row each, `GROUPS` and so on.
        takes: dB and cents of each take, and where its drifts begin.
    """

    layers: Layers
    facts: np.void
    parts: np.void
    moments: np.ndarray
    released: np.ndarray
    centres: np.ndarray
    bands_hz: np.ndarray
    tilt: np.ndarray
    places: np.ndarray
    takes: np.ndarray


class Playing(NamedTuple):
    """What is known of the notes on all voices. Few arrays: each costs time to compile.

    A row for each voice, then one for the player's own timbre, then one to compute in.

    Attributes:
        of: what `NOTE` says.
        timbre: its own copy.
        conditions: of its condition.
        slots: places of the slots between a body's bands, and between a residual's slots; of the
            bands between a residual's bands.
        known: moments that were said; then the end of the longest hold; then of the release.
        levels: what was said at them, with the residual; then `EARLY` to `GAP`.
        knobs: where each knob was when it was turned, to what, and at which sample of the clock;
            then their time constant in samples and the bend.
        asked: voice, moment, whether it is one of the release; their count in the last row.
        new: voices with new conditions.
        desk, moment_s, rows, row: room to compute in.
        f0_hz, harmonic_db, noise_db: the frame that is pushed.
    """

    of: np.ndarray
    timbre: np.ndarray
    conditions: np.ndarray
    slots: np.ndarray
    known: np.ndarray
    levels: np.ndarray
    knobs: np.ndarray
    asked: np.ndarray
    new: np.ndarray
    desk: np.ndarray
    moment_s: np.ndarray
    rows: np.ndarray
    row: np.ndarray
    f0_hz: np.ndarray
    harmonic_db: np.ndarray
    noise_db: np.ndarray


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
        layers=decoder_layers(network.decoder),
        facts=np.array([(
            sample_rate, instrument.sample_rate,
            slots.n_slots, bands.n_bands, slots.n_slots + bands.n_bands,
            layout.n_groups, layout.n_band_groups, layout.burst_of_bands.shape[1],
            len(moments), int((moments <= LONGEST_HOLD_S).sum()),
            int((moments < LONGEST_HOLD_S - END_SLOPE_OVER_S).sum()),
        )], FACTS)[0],
        parts=np.array([tuple(np.cumsum([0, *dimensions[:-1]]))], PARTS)[0],
        moments=moments.double().numpy(), released=released.double().numpy(),
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
    n_slots, n_bands, n_levels = (int(model.facts[n]) for n in ("n_slots", "n_bands", "n_levels"))
    n_harmonics = model.places.shape[1]
    n_moments, n_released = len(model.moments), len(model.released)

    def levels(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.float32)

    knobs = np.zeros((3, len(CONTROLS) + 1))
    knobs[FROM, :-1] = knobs[TO, :-1] = [control.default for control in CONTROLS]
    knobs[FROM, -1] = _KNOB_S * sample_rate
    return Playing(
        of=np.zeros(n_rows, NOTE),
        timbre=levels(n_rows, size),
        conditions=conditions(n_rows, model.layers),
        slots=np.zeros((n_rows, 3, max(n_slots, n_bands))),
        known=np.zeros((n_rows, n_moments + 1 + n_released), bool),
        levels=levels(n_rows, n_moments + n_released + _N_EXTRA, n_levels + 2),
        knobs=knobs,
        asked=np.zeros((_MOST_ASKED * n_voices + 1, 3), np.int64),
        new=np.zeros(n_rows, np.int64),
        desk=desk(model.layers), moment_s=np.zeros((2, ROWS)), rows=np.zeros(ROWS, np.int64),
        row=levels(4, n_levels + 2),
        f0_hz=levels(1), harmonic_db=levels(1, n_harmonics), noise_db=levels(1, n_bands),
    )  # fmt: skip
