"""`ddsp` played live: a melody for every note, followed as they come.

process ---> while voices lack frames: what each is asked, one step of the decoder for all
        ---> `TrackVoices`, then the room, which all notes share
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from timbrel.audio.resampling import check_rate
from timbrel.dsp.listening import FRAME_RATE
from timbrel.dsp.tracks import TrackVoices
from timbrel.instruments.ddsp.curves import struck_db
from timbrel.instruments.ddsp.frames import MOST_PARTIALS, frames_of
from timbrel.instruments.ddsp.keys import Keys
from timbrel.instruments.ddsp.live_room import LiveRoom
from timbrel.instruments.ddsp.playing import (
    NOTE,
    ask_next,
    level_db,
    push_next,
    still_to_slide,
)
from timbrel.instruments.ddsp.stepping import stepper_of
from timbrel.instruments.ddsp.timbre_layout import Manner
from timbrel.instruments.ddsp.turning import BEND, Turning
from timbrel.instruments.prepared import first_timbre
from timbrel.sound.playing import Player, playable, playable_note
from timbrel.sound.voices import Voices

if TYPE_CHECKING:
    from timbrel.instruments.ddsp.instrument import Ddsp

N_TAKES = 64
"""Different takes of a key before one comes again; keys begin at different ones."""

_STRIDE, _TAKE_APART = 7, 6007
_PIECE_S = 0.1


class DdspPlayer(Player):
    """Plays notes as they are rendered, and follows what comes meanwhile.

    Notes that sound go over to a new timbre with the next frame; they follow the controls but
    for `attack`, which belongs to their beginning, and `release`, which belongs to the moment at
    which their key comes up. A slurred note is the one before it, gone over to another pitch and
    loudness: what the decoder remembers goes on, and so does vibrato.

    Until a timbre is set it plays the bank's first sound, or a random one.

    Args:
        instrument: whose notes they are; its weights are copied.
        n_voices: notes at once.
        sample_rate: of the blocks, in Hz.

    Raises:
        BadInput: there would be no voice, or no sample.
    """

    def __init__(self, instrument: Ddsp, n_voices: int, sample_rate: int) -> None:
        check_rate(sample_rate)
        voices = Voices(n_voices)
        network, n_rows = instrument.network, 2 * n_voices
        self.n_voices = n_voices
        self.sample_rate = sample_rate
        self._space, self._layout = instrument.timbre_space, instrument.layout
        self._tracks = TrackVoices(
            n_rows, sample_rate, n_harmonics=MOST_PARTIALS, n_bands=network.bands.n_bands
        )
        self._keys = Keys(voices, self._tracks)
        self._stepper = stepper_of(network.decoder, n_rows)
        self._frames = frames_of(network, sample_rate)
        self._room = LiveRoom(network.room, sample_rate)
        self._turning = Turning(sample_rate)
        self._notes = np.zeros(n_rows, NOTE)
        self._manners: dict[int, Manner] = {}
        self._rows = np.zeros(n_rows, np.int64)
        self._times_played = np.zeros(128, np.int64)
        self._clock = 0
        self._piece = max(1, round(_PIECE_S * sample_rate))
        self._compile()
        self.set_timbre(first_timbre(instrument))

    @property
    def active_voices(self) -> int:
        """Voices that sound now, releases included; what comes back from the room is none."""
        return len(self._keys.rows)

    def note_on(
        self, note_id: int, pitch: float, velocity: float, timbre: Tensor | None = None
    ) -> None:
        """Start a note; it sounds from the next sample on."""
        pitch, velocity = playable_note(pitch, velocity)
        own = self._timbre if timbre is None else self._space.for_player(timbre)
        self.note_off(note_id)
        row, key = self._keys.begin(note_id), round(pitch)
        self._begin(row, pitch, velocity, own)
        self._notes[row]["is_own"] = timbre is not None
        take = (_STRIDE * self._times_played[key] + key) % N_TAKES
        self._times_played[key] += 1
        self._tracks.begin(row, noise_start=int(take) * _TAKE_APART)

    def slur(self, from_id: int, note_id: int, pitch: float, velocity: float) -> None:
        """Have a held note go on as another one, from the next frame on."""
        pitch, velocity = playable_note(pitch, velocity)
        if not self._keys.holds(from_id):
            self.note_on(note_id, pitch, velocity)
            return
        if note_id != from_id:
            self.note_off(note_id)
        self._go_on(self._keys.pass_on(from_id, note_id), pitch, velocity)

    def note_off(self, note_id: int) -> None:
        """Release a note."""
        row = self._keys.release(note_id)
        if row is not None:
            note = self._notes[row]
            note["held_s"] = self._tracks.age[row] / self.sample_rate
            note["release_s"] *= self._turning.goal("release")

    def bend(self, semitones: float) -> None:
        """Move all notes so far from their pitch."""
        semitones = playable("bend", semitones, -127.0, 127.0)
        self._turning.move(BEND, semitones, self._clock, is_heard=self.active_voices > 0)

    def set_timbre(self, timbre: Tensor) -> None:
        """Give the player a timbre; notes that sound go over to it."""
        self._timbre = self._space.for_player(timbre)
        for row in self._keys.rows:
            if not self._notes[row]["is_own"]:
                self._take_on(row, self._timbre)

    def set(self, control: str, value: float) -> None:
        """Turn a control; it is followed within some 40 ms."""
        is_heard = self.active_voices > 0
        self._turning.set(control, value, self._clock, is_heard=is_heard)
        # what comes back is heard for longer than notes are
        self._room.turn(self._turning.goal("reverb_gain"), is_heard=self._clock > 0)

    def process(self, out: Float32[np.ndarray, " time"]) -> None:
        """Fill a block."""
        out[:] = 0.0
        for begin in range(0, len(out), self._piece):
            piece = out[begin : begin + self._piece]
            self._give_frames(len(piece))
            self._tracks.process(piece)
            self._room.process(piece)
            self._clock += len(piece)
        self._keys.end_what_died()

    def silence(self) -> None:
        """End all notes, and what comes back of them."""
        self._keys.silence()
        self._room.silence()

    def _give_frames(self, length: int) -> None:
        """All that voices lack to play so many samples."""
        tracks, notes, knobs = self._tracks.state, self._notes, self._turning.knobs
        asked, rows, missing = self._stepper.asked, self._rows, self._tracks.missing(length)
        while count := ask_next(tracks.of, notes, knobs, missing, rows, asked):
            self._stepper.step(rows, count)
            push_next(tracks, self._frames, notes, knobs, rows, count, asked, self._stepper.said)

    def _begin(self, row: int, pitch: float, velocity: float, timbre: Tensor) -> None:
        note = self._notes[row]
        note["is_over"] = False
        # in single precision, as notes carry them
        note["pitch"], note["velocity"] = np.float32(pitch), np.float32(velocity)
        note["begin_at"], note["held_s"] = self._clock, math.inf
        note["slid"] = note["slid_db"] = note["slid_at_s"] = 0.0
        note["fallen_db"] = note["turn"] = 0.0
        self._take_on(row, timbre)
        manner = self._manners[row]
        note["attack_s"] = float(manner.attack_s) * self._turning.goal("attack")
        note["fall_from_s"], note["release_s"] = note["attack_s"], float(manner.release_s)
        self._stepper.begin(row)

    def _take_on(self, row: int, timbre: Tensor) -> None:
        """Have a note ask for a timbre, and be as loud as that one's are."""
        # as of one note: its curves are of several
        note, manner = self._notes[row], self._layout.manner_of(timbre[None])
        self._manners[row] = manner
        self._stepper.latents[row] = self._layout.latent_of(timbre).numpy()
        note["fall_db_s"] = float(manner.fall_db_s)
        note["struck_db"] = self._struck_db(row)

    def _go_on(self, row: int, pitch: float, velocity: float) -> None:
        """A note that sounds becomes another one, from its next frame on, without an attack."""
        note = self._notes[row]
        time_s = float(self._tracks.pushed[row]) / FRAME_RATE
        away = float(note["pitch"]) + float(note["slid"]) * still_to_slide(note, time_s) - pitch
        level = level_db(note, time_s)
        note["pitch"], note["velocity"] = np.float32(pitch), np.float32(velocity)
        note["struck_db"] = self._struck_db(row)
        note["slid"], note["slid_db"] = away, level - note["struck_db"]
        note["slid_at_s"] = note["fall_from_s"] = time_s
        note["attack_s"] = note["fallen_db"] = 0.0

    def _struck_db(self, row: int) -> float:
        velocity = torch.tensor([float(self._notes[row]["velocity"])])
        return float(struck_db(velocity, self._manners[row]))

    def _compile(self) -> None:
        """So that no later call has to."""
        self._notes["attack_s"] = self._notes["release_s"] = 1.0
        self._give_frames(0)
        still_to_slide(self._notes[0], 0.0)
        level_db(self._notes[0], 0.0)
        push_next(
            self._tracks.state, self._frames, self._notes, self._turning.knobs, self._rows, 0,
            self._stepper.asked, self._stepper.said,
        )  # fmt: skip
