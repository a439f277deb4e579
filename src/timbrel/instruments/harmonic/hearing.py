"""A recording as the family hears it: its tracks at a level of its own, and when its key came up.

Recordings end: where the key was let go and the sound fell silent, or somewhere in between. What
lies behind the latter kind of end is not silent but unknown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import require_note
from timbrel.dsp.first_note import one_note
from timbrel.dsp.onset import from_onset
from timbrel.dsp.pitch import note_pitch
from timbrel.dsp.shortening import shortened
from timbrel.dsp.tracks import Tracks
from timbrel.dsp.tracks.analysis import analyse
from timbrel.dsp.tracks.slots import Slots
from timbrel.dsp.tracks.tracks import FRAME_RATE
from timbrel.errors import BadAudio
from timbrel.instruments.harmonic.course import LAST_RELEASE_S, LAST_S, course_of
from timbrel.instruments.instrument import check_pitch
from timbrel.units import db_to_power, midi_to_hz, power_to_db

_LISTENED_S = LAST_S + LAST_RELEASE_S + 0.2
_FEWEST_PERIODS = 2.0
_BELOW_NYQUIST = 0.475
"""A slot was heard if all its partials lie below this share of the sample rate."""

_KEY_UP_S, _JOINED_S = LAST_S - 0.1, 2.0
"""A longer note's key comes up there, after what follows on the second was left out."""

_SMEARED_S = 0.045
"""Analysis sees the silence behind a cut from so far before it."""

_DEAD_DB = -62.0
"""Re the loudest frame: what stays below has died away."""

_CUT_DB = -48.0
"""A recording that is louder than this just before its end was cut off."""

_SMOOTH_FRAMES = 5
_ATTACKED_DB = 6.0
"""Below its loudest: a note that has come so near is past its attack."""

_STEP_FRAMES, _FEWEST_FRAMES = 2, 8
_LEAST_FALL_DB_S, _FALL_TIMES, _FALL_BEYOND_DB_S = 10.0, 2.0, 6.0
"""A key came up where a note falls at least so fast, and so much faster than before: the slope
before is multiplied by the second number, and the third is added."""

_LEAST_FALL_DB = 12.0
"""And by so much in all."""


@dataclass(frozen=True, eq=False)
class Heard:
    """A recorded note, analysed.

    Attributes:
        tracks: from its onset; the loudest partial or band is at 0 dB.
        pitch: MIDI number that it is said to have; its tracks tell by how much it is off.
        known_s: when the key came up, or else when the recording ends or has died away.
        end_s: when the recording ends in the midst of the sound; infinite where it dies away.
        was_released: whether the key was heard to come up.
    """

    tracks: Tracks
    pitch: float
    known_s: float
    end_s: float
    was_released: bool

    @property
    def settled_s(self) -> float:
        """Until when nothing is heard of the release: windows reach a little past it."""
        return self.known_s - _SMEARED_S if self.was_released else self.known_s

    def held_on(self) -> Heard:
        """The same, were what sounded like a release the sound's own fall."""
        level_db = _total_db(self.tracks)
        last = float((level_db > _DEAD_DB).nonzero()[-1]) / self.tracks.frame_rate
        known_s = min(max(last, self.known_s), self.end_s, LAST_S)
        return replace(self, known_s=known_s, was_released=False)

    def levels(
        self, slots: Slots, moments_s: Float[Tensor, " moments"]
    ) -> Float[Tensor, "moments levels"]:
        """Levels of slots and bands at rising moments, in one row as the decoder says them."""
        return torch.cat(course_of(self.tracks, slots, moments_s), -1)

    def has_slots(self, slots: Slots, sample_rate: int) -> Float[Tensor, " slots"]:
        """1 for slots all of which lies below the recording's Nyquist, 0 for the others."""
        lasts = slots.firsts + slots.counts - 1
        is_below = lasts * midi_to_hz(self.pitch) < _BELOW_NYQUIST * sample_rate
        return (is_below | (slots.firsts == 1)).float()


def hear(audio: Float[Tensor, " time"], sample_rate: int, pitch: float | None) -> Heard:
    """A recording analysed, 5 s of it at most: of a longer one the middle is left out.

    Args:
        audio: one note; of several, where no pitch is given, the first is heard.
        sample_rate: in Hz.
        pitch: its MIDI number to within half a semitone; None has it found.

    Raises:
        BadAudio: it is silent, not finite, too short, or has no pitch and none was given.
    """
    sound = require_note(audio, sample_rate)
    if pitch is None:
        sound = one_note(sound, sample_rate)
    sound = _with_its_end(from_onset(sound, sample_rate), sample_rate)
    sound = sound / sound.abs().max()
    pitch = note_pitch(sound, sample_rate) if pitch is None else check_pitch(pitch)
    f0_hz = midi_to_hz(float(pitch))
    shortest_s = _FEWEST_PERIODS / f0_hz
    if len(sound) < shortest_s * sample_rate:
        raise BadAudio(
            f"the sound is {1000 * len(sound) / sample_rate:.0f} ms long: "
            f"a note at {f0_hz:.0f} Hz wants {1000 * shortest_s:.0f} ms or more"
        )
    tracks = analyse(sound, sample_rate, f0_hz)
    level_db = _total_db(tracks)
    known_s, end_s, was_released = _ends(level_db, tracks.frame_rate)
    return Heard(_at_0_db(tracks), float(pitch), min(known_s, LAST_S), end_s, was_released)


def _with_its_end(sound: Float[Tensor, " time"], sample_rate: int) -> Float[Tensor, " rest"]:
    """As much as is listened to; where the key of a longer note comes up later, that too."""
    listened = round(_LISTENED_S * sample_rate)
    if len(sound) > listened:
        step = round(sample_rate / FRAME_RATE)
        power = sound[: len(sound) // step * step].reshape(-1, step).square().mean(1)
        smooth = torch.nn.functional.avg_pool1d(power[None], _SMOOTH_FRAMES, 1)[0]
        level_db = power_to_db(smooth / smooth.max() + 1e-12)
        key_up = key_up_frame(level_db[: int((level_db > _DEAD_DB).nonzero()[-1]) + 1])
        left_out_s = 0.0 if key_up is None else key_up / FRAME_RATE - _KEY_UP_S
        if left_out_s > 0:
            sound = shortened(sound, sample_rate, join_s=_JOINED_S, left_out_s=left_out_s)
    return sound[:listened]


def _at_0_db(tracks: Tracks) -> Tracks:
    """The same tracks, their loudest partial or band at 0 dB."""
    loudest_db = max(float(tracks.harmonic_db.max()), float(tracks.noise_db.max()))
    return replace(
        tracks,
        harmonic_db=tracks.harmonic_db - loudest_db,
        noise_db=tracks.noise_db - loudest_db,
        transient_db=tracks.transient_db - loudest_db,
    )


def _total_db(tracks: Tracks) -> Float[Tensor, " frames"]:
    """Level of a note in each frame re its loudest one, smoothed over 25 ms."""
    power = db_to_power(tracks.harmonic_db).sum(-1) + db_to_power(tracks.noise_db).sum(-1)
    reach = _SMOOTH_FRAMES // 2
    padded = torch.nn.functional.pad(power[None], (reach, reach), mode="replicate")
    smooth = torch.nn.functional.avg_pool1d(padded, _SMOOTH_FRAMES, 1)[0]
    return power_to_db(smooth / smooth.max() + 1e-12)


def _ends(level_db: Float[Tensor, " frames"], frame_rate: float) -> tuple[float, float, bool]:
    """`known_s`, `end_s` and `was_released` of a note."""
    last = int((level_db > _DEAD_DB).nonzero()[-1])
    smeared = round(_SMEARED_S * frame_rate)
    before = level_db[: max(len(level_db) - smeared, 1)]
    is_cut = float(before[-1]) > _CUT_DB
    if is_cut:
        last = len(before) - 1
    end_s = last / frame_rate if is_cut else math.inf
    key_up = key_up_frame(level_db[: last + 1], frame_rate)
    known = last if key_up is None else key_up
    return max(known, 1) / frame_rate, end_s, key_up is not None


def key_up_frame(level_db: Float[Tensor, " frames"], frame_rate: float = FRAME_RATE) -> int | None:
    """The frame from which a note falls much faster than it did before; None if it does not.

    Of all frames the one where two straight lines, one on either side, say the level best.

    >>> held = torch.linspace(0, -6, 400)
    >>> key_up_frame(torch.cat([held, -6 - 0.6 * torch.arange(80)]))
    400
    """
    # what swells in slowly is not at its loudest before the end
    begin = int((level_db > level_db.max() - _ATTACKED_DB).int().argmax())
    level = level_db[begin:].double()
    count = len(level)
    if count < _FEWEST_FRAMES:
        return None
    splits = torch.arange(_STEP_FRAMES, count - 3, _STEP_FRAMES)
    before, after = _lines(level, splits), _lines(level.flip(0), count - 1 - splits)
    best = int((before[1] + after[1]).argmin())
    split = int(splits[best])
    fall_before_db_s = -float(before[0][best]) * frame_rate
    fall_after_db_s = float(after[0][best]) * frame_rate
    least_db_s = max(_LEAST_FALL_DB_S, _FALL_TIMES * max(fall_before_db_s, 0.0) + _FALL_BEYOND_DB_S)
    fell_db = float(level[split] - level[-1])
    return begin + split if fall_after_db_s > least_db_s and fell_db > _LEAST_FALL_DB else None


def _lines(level: Tensor, lasts: Tensor) -> tuple[Tensor, Tensor]:
    """Slope and squared error of the straight line through the frames up to each of `lasts`."""
    place = torch.arange(len(level)).double()
    sums = [x.cumsum(0)[lasts] for x in (level, place * level, level * level, place, place**2)]
    y, xy, yy, x, xx = sums
    n = lasts + 1.0
    spread = (xx - x * x / n).clamp_min(1e-9)
    along = xy - x * y / n
    return along / spread, (yy - y * y / n - along**2 / spread).clamp_min(0)
