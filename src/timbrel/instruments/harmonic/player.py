"""`harmonic` played live: levels said and frames made as they are needed, in compiled code.

    note on ----> a voice of `TrackVoices`, its phases and its place in the noise
    process ----> `advance`: one batched call of the decoder for all moments that voices come to,
                  one frame every 5 ms for each of them
            ----> `TrackVoices.process`

A stolen note fades on a voice of its own, so there are twice as many of those as of notes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32
from torch import Tensor

from timbrel.audio.resampling import check_rate
from timbrel.dsp.tracks import TrackVoices
from timbrel.dsp.tracks.tracks import FRAME_RATE
from timbrel.errors import BadInput
from timbrel.instruments.harmonic.curves import knob_at
from timbrel.instruments.harmonic.frames import glide_at
from timbrel.instruments.harmonic.knobs import CONTROLS
from timbrel.instruments.harmonic.loop import find_loop
from timbrel.instruments.harmonic.playing import (
    advance,
    attack_of_recording,
    copy_timbre,
    forget,
    go_on_from_attack,
)
from timbrel.instruments.harmonic.playing_state import TO, model_of, playing_of
from timbrel.instruments.harmonic.said import TYPICAL_VELOCITY
from timbrel.instruments.harmonic.sounding import FADE_IN_S, WELL_KNOWN_S
from timbrel.instruments.harmonic.take import take_of
from timbrel.instruments.prepared import first_timbre
from timbrel.sound.playing import Player, playable, playable_note
from timbrel.sound.voices import Voices

if TYPE_CHECKING:
    from timbrel.instruments.harmonic.instrument import Harmonic

N_TAKES = 64
"""Different takes before one comes again: keys begin at different ones."""

SLUR_S = 0.03
"""What a slur takes at least: fingers, breath and bow take as long."""

_STRIDE = 7
_LONGEST_PIECE_S = 0.1
_AHEAD_HZ = 6000.0
"""Moments that are said in a second, in blocks that lack no frame, before they are needed."""

_NUMBER = {control.name: number for number, control in enumerate(CONTROLS)}


class HarmonicPlayer(Player):
    """Plays whole notes as they are rendered, and follows what comes meanwhile.

    Notes that sound go over to a new timbre within 40 ms, all but their partials' offsets and
    their burst; they follow all controls but `attack`, which belongs to their beginning, and
    `release`, which belongs to the moment at which their key comes up. With `glide` a note that
    begins while another is held comes from its pitch in so many seconds. A slurred note is the one
    before it, gone over to where the new one's attack is over: its phases and vibrato go on.

    Until a timbre is set it plays the bank's first sound, or a random one.

    Args:
        instrument: whose notes they are; its weights are copied.
        n_voices: notes at once.
        sample_rate: of the blocks, in Hz.

    Raises:
        BadInput: there would be no voice, or no sample.
    """

    def __init__(self, instrument: Harmonic, n_voices: int, sample_rate: int) -> None:
        check_rate(sample_rate)
        self._voices = Voices(n_voices)
        self.n_voices = n_voices
        self.sample_rate = sample_rate
        self._space, self._layout = instrument.timbre_space, instrument.layout
        takes = [take_of(number) for number in range(N_TAKES)]
        self.takes = takes
        self._model = model_of(instrument, sample_rate, takes)
        n_harmonics = self._model.places.shape[1]
        self._phases = np.stack([take.phases(n_harmonics).double().numpy() for take in takes])
        self._tracks = TrackVoices(
            2 * n_voices, sample_rate, n_harmonics=n_harmonics,
            n_bands=instrument.network.bands.n_bands,
        )  # fmt: skip
        self._notes = playing_of(self._model, 2 * n_voices, self._space.size, sample_rate)
        self._offset = np.zeros(n_harmonics)
        self._of = np.zeros(n_voices, np.int64)
        self._times_played = np.zeros(128, np.int64)
        self._held: dict[int, int] = {}
        self._own = np.zeros(2 * n_voices, bool)
        self._clock = 0
        self._ahead = _AHEAD_HZ / sample_rate
        self._piece = max(1, round(_LONGEST_PIECE_S * sample_rate))
        self._compile()
        self.set_timbre(first_timbre(instrument))

    @property
    def active_voices(self) -> int:
        """Voices that sound now, releases included."""
        return len(self._voices.sounding)

    def note_on(
        self, note_id: int, pitch: float, velocity: float, timbre: Tensor | None = None
    ) -> None:
        """Start a note; it sounds from the next sample on."""
        pitch, velocity = playable_note(pitch, velocity)
        source = len(self._own) if timbre is None else self._written(timbre, len(self._own) + 1)
        glide = self._glide_to(pitch)
        self.note_off(note_id)
        if self._voices.is_full:
            self._cut(self._voices.steal())
        voice = self._free_voice()
        self._of[self._voices.begin(note_id)] = voice
        self._held[note_id] = voice
        self._own[voice] = timbre is not None
        self._begin(voice, pitch, velocity, source)
        self._slide(voice, glide, self._goal("glide"), 0.0)

    def slur(self, from_id: int, note_id: int, pitch: float, velocity: float) -> None:
        """Have a held note go on as another one, from the next frame on."""
        pitch, velocity = playable_note(pitch, velocity)
        if from_id not in self._held:
            self.note_on(note_id, pitch, velocity)
            return
        if note_id != from_id:
            self.note_off(note_id)
        voice = self._held.pop(from_id)
        self._held[note_id] = voice
        self._voices.pass_on(from_id, note_id)
        if self._tracks.pushed[voice]:
            self._go_on(voice, pitch, velocity)
        else:
            self._begin(voice, pitch, velocity, voice if self._own[voice] else len(self._own))

    def note_off(self, note_id: int) -> None:
        """Release a note."""
        number = self._voices.release(note_id)
        if number is not None:
            voice = self._held.pop(note_id)
            note = self._notes.of[voice]
            note["held_s"] = self._tracks.age[voice] / self.sample_rate + note["ahead_s"]
            note["release"] = self._goal("release")

    def bend(self, semitones: float) -> None:
        """Move all notes so far from their pitch."""
        self._notes.knobs[TO, -1] = playable("bend", semitones, -127.0, 127.0)

    def set_timbre(self, timbre: Tensor) -> None:
        """Give the player a timbre; notes that sound go over to it."""
        self._written(timbre, len(self._own))
        self._notes.of["waits"][: len(self._own)] = ~self._own

    def set(self, control: str, value: float) -> None:
        """Turn a control; it is followed within some 40 ms."""
        if control not in _NUMBER:
            raise BadInput(f"no control {control!r}: this instrument has {', '.join(_NUMBER)}")
        number, knobs = _NUMBER[control], self._notes.knobs
        here = knob_at(knobs, number, float(self._clock))
        goal = CONTROLS[number].clip(value)
        # where nothing sounds nobody hears it move
        knobs[:, number] = here if self.active_voices else goal, goal, self._clock

    def process(self, out: Float32[np.ndarray, " time"]) -> None:
        """Fill a block."""
        out[:] = 0.0
        for begin in range(0, len(out), self._piece):
            piece = out[begin : begin + self._piece]
            missing = self._tracks.missing(len(piece))
            if missing.any() or self.active_voices:
                most_ahead = round(len(piece) * self._ahead)
                advance(self._tracks.state, self._model, self._notes, missing, most_ahead)
            self._tracks.process(piece)
            self._clock += len(piece)
        self._end_what_died()

    def silence(self) -> None:
        """End all notes."""
        for number in self._voices.sounding:
            self._voices.end(number)
            self._cut(number)

    def _begin(self, voice: int, pitch: float, velocity: float, source: int) -> None:
        """A note with the timbre of some row, from the next sample on."""
        notes, key = self._notes, round(pitch)
        take = (_STRIDE * self._times_played[key] + key) % N_TAKES
        self._times_played[key] += 1
        if math.isnan(notes.of[source]["loud_db"]):
            attack_of_recording(self._model, notes, source)
        copy_timbre(notes, source, voice)
        note = notes.of[voice]
        # in single precision, as notes carry them
        note["pitch"], note["velocity"] = np.float32(pitch), np.float32(velocity)
        note["begin_at"], note["held_s"], note["ahead_s"] = self._clock, math.inf, 0.0
        note["attack"], note["release"] = self._goal("attack"), self._goal("release")
        note["take"], note["turn"], note["rise_s"] = take, self.takes[take].turn, math.nan
        note["loudest"], note["quiet"], note["gap_left"] = -math.inf, 0, 0
        note["attack_db"] = -math.inf if math.isfinite(note["loud_db"]) else math.inf
        note["is_on"], note["waits"], note["is_patchy"] = True, False, False
        forget(notes, voice)
        own = notes.timbre[voice, self._model.parts["offset"] : self._model.parts["partial"]]
        count = min(len(own), len(self._offset))
        self._offset[:count] = own[:count]
        self._tracks.begin(
            voice, offset=self._offset, start=self._phases[take],
            noise_start=self.takes[take].noise_start,
            fade_in_s=FADE_IN_S * max(float(note["attack"]), 1.0),
        )  # fmt: skip

    def _go_on(self, voice: int, pitch: float, velocity: float) -> None:
        """A note that sounds becomes another one, from its next frame on."""
        notes, note = self._notes, self._notes.of[voice]
        voice_s = float(self._tracks.pushed[voice]) / FRAME_RATE
        away = float(note["pitch"]) + glide_at(note, voice_s) - pitch
        note["pitch"], note["velocity"] = np.float32(pitch), np.float32(velocity)
        self._slide(voice, away, max(self._goal("glide"), SLUR_S), voice_s)
        go_on_from_attack(self._model, notes, voice, voice_s)

    def _written(self, timbre: Tensor, row: int) -> int:
        """The row, with a timbre written to it, and what players want to know of it."""
        notes, parts = self._notes, self._model.parts
        numbers, note = notes.timbre[row], notes.of[row]
        numbers[:] = self._space.for_player(timbre).numpy()
        note["pitch"], note["velocity"] = numbers[parts["pitch"]], TYPICAL_VELOCITY
        known_s = float(numbers[parts["known_s"]])
        wander, swell = np.split(numbers[parts["wander"] : parts["burst"]], 2)
        loop = find_loop(wander, swell, known_s)
        note["loop_begin_s"], note["loop_end_s"], note["loop_fade_s"] = loop
        note["is_looped"] = known_s >= WELL_KNOWN_S
        # it is asked for by the next note only: a pad moves many times between two
        note["loud_db"] = math.nan if numbers[parts["burst"] :].any() else math.inf
        return row

    def _goal(self, control: str) -> float:
        return float(self._notes.knobs[TO, _NUMBER[control]])

    def _glide_to(self, pitch: float) -> float:
        """Semitones from a pitch to where the latest of the held notes is."""
        if self._goal("glide") == 0 or not self._held:
            return 0.0
        voice = next(reversed(self._held.values()))
        time_s = self._tracks.age[voice] / self.sample_rate
        note = self._notes.of[voice]
        return float(note["pitch"]) + glide_at(note, time_s) - pitch

    def _slide(self, voice: int, semitones: float, over_s: float, from_s: float) -> None:
        """Let a note come to its pitch from so far away."""
        note = self._notes.of[voice]
        note["glide"], note["glide_s"], note["glide_at_s"] = semitones, over_s, from_s

    def _free_voice(self) -> int:
        """One that is silent, or else the one that has faded furthest."""
        of, sounding = self._tracks.state.of, self._tracks.sounding
        if not sounding.all():
            return int(sounding.argmin())
        voice = int((of["fade_at"] - of["at"]).argmin())
        # a note that died away by itself fades there still: it gives its voice up
        for number in self._voices.sounding:
            if self._of[number] == voice:
                self._voices.end(number)
                self._drop(voice)
        return voice

    def _cut(self, number: int) -> None:
        """Let what sounds on a voice of `Voices` fade, and forget it."""
        voice = int(self._of[number])
        self._tracks.end(voice)
        self._drop(voice)

    def _drop(self, voice: int) -> None:
        self._notes.of[voice]["is_on"] = False
        for note_id in [note_id for note_id, held in self._held.items() if held == voice]:
            del self._held[note_id]

    def _end_what_died(self) -> None:
        for number in self._voices.sounding:
            voice = int(self._of[number])
            if not self._tracks.sounding[voice]:
                self._voices.end(number)
                self._drop(voice)

    def _compile(self) -> None:
        """So that no later call has to."""
        notes = self._notes
        advance(self._tracks.state, self._model, notes, self._tracks.missing(1), 0)
        attack_of_recording(self._model, notes, len(self._own) + 1)
        knob_at(notes.knobs, 0, 0.0)
        glide_at(notes.of[0], 0.0)
        go_on_from_attack(self._model, notes, len(self._own) + 1, 0.0)
        copy_timbre(notes, 1, 0)
        forget(notes, 0)
