"""`subtractive` played live: the samples of its rendered notes, block by block.

    note on ----> a lane, its voicing and its place in time
    process ----> all groups in which a lane sounds, by the code that renders

A stolen note fades on a lane of its own, so there are more lanes than notes.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from timbrel.audio.resampling import check_rate
from timbrel.errors import BadInput
from timbrel.sound.playing import QUIET_AFTER_S, Player, playable, playable_note
from timbrel.sound.voices import Voices
from timbrel.synths.subtractive.curves import TICK
from timbrel.synths.subtractive.knobs import CONTROLS, PARAMETERS
from timbrel.synths.subtractive.lanes import add, begin, find_over
from timbrel.synths.subtractive.noise import first_number
from timbrel.synths.subtractive.shaping import dc_keep
from timbrel.synths.subtractive.state import (
    FADE,
    FADE_MOVES,
    GAINS,
    GLIDE,
    GLIDE_FROM_S,
    GLIDE_S,
    LANES,
    NEVER_S,
    OFF_S,
    PASSED,
    TIME_S,
    silent,
)
from timbrel.synths.subtractive.voicing import COLUMN, voice

GO_OVER_S = 0.02
"""What a note that sounds takes to go over to another patch, or to turned controls."""

SLUR_S = 0.02
_AT_ONCE = ("semitones1", "semitones2")
_NAMES = tuple(control.name for control in CONTROLS)


class SubtractivePlayer(Player):
    """Plays notes as they are rendered; those that sound go over to what is turned.

    Notes that sound go over to a new timbre, and follow all controls, within `GO_OVER_S`. With
    `glide` a note that begins while another is held comes from its pitch in so many seconds. A
    slurred note is the one before it: its envelopes go on. Until a timbre is set it plays the
    patch of knobs untouched. A voice sounds until its room is quiet.

    Args:
        n_voices: notes at once.
        sample_rate: of the blocks, in Hz.

    Raises:
        BadInput: there would be no voice, or no sample.
    """

    def __init__(self, n_voices: int, sample_rate: int) -> None:
        check_rate(sample_rate)
        self._voices = Voices(n_voices)
        self.n_voices = n_voices
        self.sample_rate = sample_rate
        n_groups = -(-(n_voices + max(4, n_voices // 2)) // LANES)
        n_lanes = n_groups * LANES
        self._state = silent(n_groups, sample_rate, 1, dc_keep(sample_rate))
        self._state.slow[:] = 1.0
        self._controls = {control.name: control.default for control in CONTROLS}
        self._timbre = PARAMETERS.defaults.clone()
        self._patches = self._timbre.repeat(n_lanes, 1)
        self._pitch, self._velocity = torch.zeros(n_lanes), torch.zeros(n_lanes)
        self._is_own = np.zeros(n_lanes, bool)
        self._sounds = np.zeros(n_lanes, bool)
        self._is_stolen = np.zeros(n_lanes, bool)
        self._is_over = np.zeros(n_lanes, bool)
        self._lane_of = np.zeros(n_voices, np.int64)
        self._held: dict[int, int] = {}
        self._bend, self._is_turned = 0.0, False
        for lane in range(n_lanes):
            self._write(lane, self._voiced([lane])[0])
            begin(self._state, lane // LANES, lane % LANES, 0)
        self._compile()

    @property
    def active_voices(self) -> int:
        """Voices that sound now, releases and rooms included."""
        return len(self._voices.sounding)

    def note_on(
        self, note_id: int, pitch: float, velocity: float, timbre: Tensor | None = None
    ) -> None:
        """Start a note; it sounds from the next sample on."""
        pitch, velocity = playable_note(pitch, velocity)
        patch = self._timbre if timbre is None else PARAMETERS.space.for_player(timbre)
        glide = self._glide_to(pitch)
        self.note_off(note_id)
        if self._voices.is_full:
            self._cut(self._voices.steal())
        lane = self._free_lane()
        self._lane_of[self._voices.begin(note_id)] = lane
        self._held[note_id] = lane
        self._patches[lane], self._pitch[lane], self._velocity[lane] = patch, pitch, velocity
        self._is_own[lane], self._is_stolen[lane] = timbre is not None, False
        self._sounds[lane] = True
        self._write(lane, self._voiced([lane])[0])
        self._slide(lane, glide, self._controls["glide"])
        number = int(first_number(self._pitch[lane : lane + 1])) & 0xFFFFFFFF
        begin(self._state, lane // LANES, lane % LANES, number - (number >> 31 << 32))

    def note_off(self, note_id: int) -> None:
        """Release a note."""
        number = self._voices.release(note_id)
        if number is not None:
            lane = self._held.pop(note_id)
            self._slow(lane)[OFF_S] = self._next_tick_s(lane)

    def slur(self, from_id: int, note_id: int, pitch: float, velocity: float) -> None:
        """Have a held note go on as another one; its loudness goes over too."""
        pitch, velocity = playable_note(pitch, velocity)
        if from_id not in self._held:
            self.note_on(note_id, pitch, velocity)
            return
        if note_id != from_id:
            self.note_off(note_id)
        lane = self._held.pop(from_id)
        self._held[note_id] = lane
        self._voices.pass_on(from_id, note_id)
        away = float(self._pitch[lane]) + self._left_to_glide(lane) - pitch
        self._pitch[lane], self._velocity[lane] = pitch, velocity
        voicing = self._voiced([lane])[0]
        self._write(lane, voicing, over_s=SLUR_S)
        for column in map(COLUMN.__getitem__, _AT_ONCE):
            place = column * LANES + lane % LANES
            self._state.voicing[lane // LANES, place] = voicing[column]
            self._state.change[lane // LANES, place] = 0.0
        self._slide(lane, away, max(self._controls["glide"], SLUR_S))

    def bend(self, semitones: float) -> None:
        """Move all notes so far from their pitch, from their next ticks on."""
        self._state.bends[:] = playable("bend", semitones, -127.0, 127.0)

    def set_timbre(self, timbre: Tensor) -> None:
        """Give the player a timbre; notes that sound go over to it."""
        self._timbre = PARAMETERS.space.for_player(timbre)
        self._patches[torch.from_numpy(~self._is_own)] = self._timbre
        self._is_turned = True

    def set(self, control: str, value: float) -> None:
        """Turn a control; notes that sound follow."""
        if control not in _NAMES:
            raise BadInput(f"no control {control!r}: this instrument has {', '.join(_NAMES)}")
        self._controls[control] = CONTROLS[_NAMES.index(control)].clip(value)
        self._is_turned = True

    def process(self, out: Float32[np.ndarray, " time"]) -> None:
        """Fill a block."""
        if self._is_turned:
            self._turn()
        out[:] = 0.0
        for group in range(len(self._state.ticks)):
            if self._sounds[group * LANES : (group + 1) * LANES].any():
                add(self._state, group, out)
        self._end_what_died()

    def silence(self) -> None:
        """End all notes."""
        for number in self._voices.sounding:
            self._voices.end(number)
            self._cut(number)

    def _voiced(self, lanes: list[int]) -> Float64[np.ndarray, "lanes columns"]:
        with torch.no_grad():
            return voice(
                self._patches[lanes], self._pitch[lanes], self._velocity[lanes], self._controls,
                self.sample_rate,
            ).numpy()  # fmt: skip

    def _write(self, lane: int, voicing: np.ndarray, *, over_s: float = 0.0) -> None:
        """Has a lane go over to a voicing; at once where it takes no time."""
        group, place = divmod(lane, LANES)
        now = self._state.voicing[group, place::LANES]
        n_ticks = math.ceil(over_s * self.sample_rate / TICK)
        if n_ticks:
            self._state.change[group, place::LANES] = (voicing - now) / n_ticks
        else:
            now[:] = voicing
            slow = self._slow(lane)
            slow[:] = 0.0
            slow[OFF_S] = NEVER_S
        self._state.ticks[group, GAINS, place] = n_ticks

    def _turn(self) -> None:
        """Has all that sounds go over to how patches and controls stand now."""
        lanes = np.flatnonzero(self._sounds).tolist()
        for lane, voicing in zip(lanes, self._voiced(lanes) if lanes else (), strict=True):
            self._write(lane, voicing, over_s=GO_OVER_S)
        self._is_turned = False

    def _slow(self, lane: int) -> _Row:
        return _Row(self._state.slow[lane // LANES], lane % LANES)

    def _next_tick_s(self, lane: int) -> float:
        """When the note's next tick is: as if its key came up there."""
        ticks = self._state.ticks[lane // LANES, :, lane % LANES]
        return max(1, int(ticks[PASSED])) * TICK / self.sample_rate

    def _slide(self, lane: int, semitones: float, over_s: float) -> None:
        slow = self._slow(lane)
        slow[GLIDE], slow[GLIDE_S], slow[GLIDE_FROM_S] = semitones, over_s, slow[TIME_S]

    def _left_to_glide(self, lane: int) -> float:
        slow = self._slow(lane)
        gone = (slow[TIME_S] - slow[GLIDE_FROM_S]) / max(slow[GLIDE_S], 1e-3)
        return slow[GLIDE] * (1 - min(gone, 1.0))

    def _glide_to(self, pitch: float) -> float:
        """Semitones from a pitch to where the latest of the held notes is."""
        if self._controls["glide"] == 0 or not self._held:
            return 0.0
        lane = next(reversed(self._held.values()))
        return float(self._pitch[lane]) + self._left_to_glide(lane) - pitch

    def _free_lane(self) -> int:
        """One that is silent, or else the one that has faded furthest."""
        if not self._sounds.all():
            return int(self._sounds.argmin())
        fades = self._state.quick[:, int(FADE) : int(FADE) + LANES].reshape(-1)
        return int(np.where(self._is_stolen, fades, np.inf).argmin())

    def _cut(self, number: int) -> None:
        """Let what sounds on a voice fade, and forget it."""
        lane = int(self._lane_of[number])
        moves = 1 / max(1.0, QUIET_AFTER_S * self.sample_rate - 1)
        self._state.quick[lane // LANES, int(FADE_MOVES) + lane % LANES] = moves
        self._is_stolen[lane] = True
        for note_id in [note_id for note_id, held in self._held.items() if held == lane]:
            del self._held[note_id]

    def _end_what_died(self) -> None:
        find_over(self._state, self._is_over)
        self._sounds &= ~self._is_over
        for number in self._voices.sounding:
            if self._is_over[self._lane_of[number]]:
                self._voices.end(number)

    def _compile(self) -> None:
        """So that no later call has to; and no lane sounds yet."""
        add(self._state, 0, np.zeros(1, np.float32))
        self._state.quick[:, int(FADE) : int(FADE) + LANES] = 0.0
        find_over(self._state, self._is_over)


class _Row:
    """The numbers of one lane, by where their rows begin."""

    def __init__(self, rows: np.ndarray, lane: int) -> None:
        self._rows, self._lane = rows, lane

    def __getitem__(self, row: np.uint64) -> float:
        return float(self._rows[int(row) + self._lane])

    def __setitem__(self, row: np.uint64 | slice, value: float) -> None:
        if isinstance(row, slice):
            self._rows[self._lane :: LANES] = value
        else:
            self._rows[int(row) + self._lane] = value
