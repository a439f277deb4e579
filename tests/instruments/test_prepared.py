"""The default player: what it plays from, and what stands in until that is ready."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest
import torch

from timbrel.errors import BadInput
from timbrel.instruments.instrument import Instrument, resolve_controls
from timbrel.instruments.prepared import Flavour, Key, PreparedPlayer, Shelf
from timbrel.sound import Control, Notes, Rendered, TimbreSpace

RATE = 8000


class Tones(Instrument):
    """Sines an octave apart for timbres 0 and 1, of a level that a control sets."""

    family = "tones"
    sample_rate = RATE
    timbre_space = TimbreSpace.gaussian(1)
    controls = (Control("level", "", 0.0, 1.0, 0.5),)

    def __init__(self) -> None:
        self.rendered: list[tuple[float, float]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.breaks = False

    def render(self, notes, timbre, controls=None, *, generator=None) -> Rendered:
        assert self.gate.wait(30)
        if self.breaks:
            raise ValueError("out of strings")
        self.rendered += zip(notes.pitch.tolist(), notes.velocity.tolist(), strict=True)
        level = resolve_controls(self.controls, controls)["level"]
        times_s = torch.arange(round(3.1 * RATE)) / RATE
        f0_hz = 440.0 * 2 ** ((notes.pitch[:, None] - 69 + 12 * timbre.round()) / 12)
        audio = level * notes.velocity[:, None] ** 2 * (2 * torch.pi * f0_hz * times_s).sin()
        fall = (1 - (times_s - 3.0) / 0.1).clamp(0, 1)
        return Rendered(audio * fall, torch.full((len(notes),), audio.shape[1]), RATE)


def heard(player: PreparedPlayer, seconds: float = 0.5) -> np.ndarray:
    out = np.zeros(round(seconds * RATE), np.float32)
    for block in np.split(out, range(100, len(out), 100)):
        player.process(block)
    return out


def pitch_of(audio: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 16))
    return 69 + 12 * np.log2(spectrum.argmax() * RATE / (1 << 16) / 440)


def patient(n_voices: int = 4) -> tuple[Tones, PreparedPlayer]:
    tones = Tones()
    player = PreparedPlayer(tones, n_voices, RATE, background=False)
    player.set_timbre(torch.zeros(1))
    return tones, player


@pytest.mark.parametrize("pitch", [60.0, 61.0, 62.4, 21.0, 100.0])
def test_keys_play_their_pitch_from_notes_of_the_grid(pitch: float) -> None:
    tones, player = patient()
    player.note_on(1, pitch, 0.9)
    assert pitch_of(heard(player)) == pytest.approx(pitch, abs=0.03)
    assert all(p % 3 == 0 and abs(p - pitch) <= 1.5 for p, _ in tones.rendered)


def test_level_follows_the_instrument_between_its_velocities() -> None:
    levels = []
    for velocity in (0.2, 0.4, 0.65, 0.9, 1.0):
        _, player = patient()
        player.note_on(1, 60.0, velocity)
        levels.append(np.abs(heard(player)).max())
    wanted = [0.08, 0.16, 0.485, 0.81, 0.9]  # v ** 2 at the grid's 0.4 and 0.9, lines between
    np.testing.assert_allclose(levels, 0.5 * np.array(wanted), rtol=0.02)


def test_a_key_may_be_held_for_long_and_is_let_go_as_rendered() -> None:
    _, player = patient()
    player.note_on(1, 60.0, 0.9)
    held = heard(player, 8.0)
    assert np.abs(held[-RATE:]).max() == pytest.approx(np.abs(held[:RATE]).max(), rel=0.05)
    player.note_off(1)
    after = heard(player, 0.5)
    assert 0.05 * RATE < np.flatnonzero(after)[-1] < 0.2 * RATE
    assert player.active_voices == 0


def test_held_notes_go_over_to_a_new_timbre_and_to_a_control() -> None:
    _, player = patient()
    player.note_on(1, 60.0, 0.9)
    before = heard(player)
    player.set_timbre(torch.ones(1))
    across = heard(player, 0.2)
    assert np.abs(np.diff(np.append(before[-1:], across))).max() < 0.4
    assert pitch_of(heard(player)) == pytest.approx(72.0, abs=0.05)
    player.set("level", 1.0)
    heard(player, 0.2)
    assert np.abs(heard(player)).max() == pytest.approx(0.81, rel=0.03)
    with pytest.raises(BadInput, match="no control 'wobble': this instrument has level"):
        player.set("wobble", 1.0)


def test_nothing_ready_is_silence_and_then_the_note_begins() -> None:
    tones = Tones()
    tones.gate.clear()
    player = PreparedPlayer(tones, 4, RATE)
    player.note_on(1, 60.0, 0.9)
    assert not heard(player).any()
    assert player.active_voices == 1
    tones.gate.set()
    assert sounds_within(player, 20.0)


def sounds_within(player: PreparedPlayer, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if heard(player, 0.05).any():
            return True
        time.sleep(0.01)
    return False


def test_the_nearest_note_stands_in_until_the_right_one_is_ready() -> None:
    tones, player = patient()
    player.note_on(1, 60.0, 0.9)
    player.silence()
    player._is_patient = False
    player.note_on(2, 67.0, 0.9)
    assert pitch_of(heard(player)) == pytest.approx(67.0, abs=0.05)
    assert (66.0, 0.9) not in [(p, round(v, 1)) for p, v in tones.rendered]
    player._shelf.prepare_next()
    heard(player)
    assert (66.0, 0.9) in [(p, round(v, 1)) for p, v in tones.rendered]
    assert pitch_of(heard(player)) == pytest.approx(67.0, abs=0.05)


def test_the_background_goes_outwards_from_what_was_played() -> None:
    shelf = Shelf(Tones(), RATE, background=False)
    flavour = Flavour(np.zeros(1, np.float32).tobytes())
    shelf.recent = (Key.nearest(flavour, 70.0, 0.8),)
    order = [(key.pitch, key.velocity) for key in shelf.around()]
    assert order[:2] == [(69, 0.9), (69, 0.4)]
    assert {pitch for pitch, _ in order[2:6]} == {66, 72}
    assert len(order) == len(set(order)) == 2 * 17


def test_memory_is_bounded_and_old_flavours_go_first() -> None:
    tones = Tones()
    one = 4 * 3 * RATE + 100
    shelf = Shelf(tones, RATE, background=False, most_bytes=5 * one)
    old, new = (Flavour(np.full(1, v, np.float32).tobytes()) for v in (0.0, 1.0))
    shelf.recent = (Key(new, 60, 0.9),)
    shelf.prepare([Key(new, 60, 0.9), *(Key(old, pitch, 0.9) for pitch in (60, 63, 66))])
    shelf.prepare([Key(new, pitch, 0.9) for pitch in (63, 66, 69)])
    assert sum(note.looped.audio.nbytes for note in shelf.ready.values()) <= 5 * one
    assert {key.pitch for key in shelf.ready if key.flavour == new} == {60, 63, 66, 69}


def test_an_instrument_that_fails_is_said_and_not_asked_again() -> None:
    tones = Tones()
    tones.breaks = True
    shelf = Shelf(tones, RATE, background=False)
    shelf.recent = (Key.nearest(Flavour(np.zeros(1, np.float32).tobytes()), 60.0, 0.8),)
    while shelf.prepare_next():
        pass
    assert shelf.problem == "ValueError: out of strings"
    assert not shelf.ready


def test_preparing_ahead_takes_the_time_it_is_given() -> None:
    tones, player = patient()
    player.prepare(0.0)
    assert tones.rendered == []
    player.prepare(60.0)
    assert len(tones.rendered) == 2 * 17


def test_the_thread_ends_with_its_player() -> None:
    player = PreparedPlayer(Tones(), 2, RATE)
    thread = next(t for t in threading.enumerate() if t.name == "prepare notes")
    gone = weakref.ref(player._shelf)
    del player
    gc.collect()
    thread.join(20)
    assert not thread.is_alive()
    assert gone() is None


def test_notes_are_those_of_the_batch() -> None:
    """A chord is prepared in one call; each key gets its own sound."""
    _, player = patient()
    chord = Notes.of([60.0, 66.0, 72.0], 0.9)
    for number, pitch in enumerate(chord.pitch.tolist()):
        player.note_on(number, pitch, 0.9)
    heard(player, 0.1)
    player.silence()
    heard(player, 0.1)
    player.note_on(9, 66.0, 0.9)
    assert pitch_of(heard(player)) == pytest.approx(66.0, abs=0.03)
