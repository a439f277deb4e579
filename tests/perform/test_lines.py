"""Which notes of a legato part are slurred, when, and how that sounds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from timbrel.audio import read_channels
from timbrel.errors import Unsupported
from timbrel.instruments.harmonic import Harmonic, HarmonicSettings
from timbrel.midi import ScoreNote
from timbrel.perform import Part, perform
from timbrel.perform.lines import PhrasePlayer, phrases
from timbrel.sound.playing import Player

from .fakes import Decaying, notes_of, score_of

ONE = torch.ones(1)


class Script(Player):
    """Sounds 1 while a note is held and for 50 samples more, and remembers what it was asked."""

    def __init__(self, n_voices: int, sample_rate: int) -> None:
        self.n_voices, self.sample_rate = n_voices, sample_rate
        self.now, self.is_held, self.left = 0, False, 0
        self.calls: list[tuple] = []

    @property
    def active_voices(self) -> int:
        return int(self.is_held or self.left > 0)

    def note_on(self, note_id, pitch, velocity, timbre=None) -> None:
        self.calls.append((self.now, "on", pitch))
        self.is_held, self.left = True, 50

    def slur(self, from_id, note_id, pitch, velocity) -> None:
        self.calls.append((self.now, "slur", pitch))

    def note_off(self, note_id) -> None:
        self.calls.append((self.now, "off"))
        self.is_held = False

    def bend(self, semitones) -> None:
        if semitones:
            self.calls.append((self.now, "bend", semitones))

    def set_timbre(self, timbre) -> None:
        self.calls.append((self.now, "timbre", *timbre.tolist()))

    def set(self, control, value) -> None:
        self.calls.append((self.now, control, value))

    def process(self, out) -> None:
        sounding = len(out) if self.is_held else min(self.left, len(out))
        out[:] = 0.0
        out[:sounding] = 1.0
        self.left -= 0 if self.is_held else sounding
        self.now += len(out)

    def silence(self) -> None:
        self.calls.append((self.now, "silence"))


class Slurring(Decaying):
    def __init__(self) -> None:
        super().__init__(1000, abilities=("velocity", "bend", "legato"))

    def player(self, n_voices, sample_rate):
        self.played = Script(n_voices, sample_rate)
        return self.played


def numbers(*rows: tuple) -> list[list[float]]:
    """Pitches of the phrases of notes: pitch, onset, duration."""
    notes = notes_of(*((pitch, 0.5, onset_s, duration_s) for pitch, onset_s, duration_s in rows))
    return [[note.pitch for note in phrase] for phrase in phrases(notes)]


def test_notes_that_touch_or_overlap_are_one_phrase() -> None:
    assert numbers((60, 0.0, 0.5), (62, 0.5, 0.5), (64, 0.9, 0.5), (65, 1.5, 0.5)) == [
        [60, 62, 64], [65],
    ]  # fmt: skip
    assert numbers((60, 0.0, 0.48), (62, 0.5, 0.5), (64, 1.03, 0.5)) == [[60, 62], [64]]


def test_chords_and_keys_that_are_struck_again_are_not_slurred() -> None:
    assert numbers((60, 0.0, 1.0), (64, 0.01, 1.0), (67, 0.5, 0.5)) == [[60], [64], [67]]
    assert numbers((60, 0.0, 0.5), (60, 0.5, 0.5), (62, 1.0, 0.5)) == [[60], [60, 62]]


def test_a_phrase_is_played_to_the_sample() -> None:
    instrument = Slurring()
    part = Part(instrument, ONE, controls={"glide": 0.3}, legato=True)
    bent = ScoreNote(64, 0.5, 3.4, 0.2, (0.5, 0.25))
    phrase = (*notes_of((60, 0.5, 3.0, 0.205), (62, 0.5, 3.2, 0.19)), bent)
    audio = PhrasePlayer().play(part, phrase)
    assert instrument.played.calls == [
        (0, "timbre", 1.0), (0, "glide", 0.3), (0, "on", 60), (200, "slur", 62),
        (400, "bend", 0.5), (400, "slur", 64), (410, "bend", 0.25), (600, "off"),
    ]  # fmt: skip
    assert audio[:650].eq(1).all()
    assert audio[650:].eq(0).all()


def test_each_note_keeps_the_level_that_the_score_gives_it() -> None:
    first, second = notes_of((60, 0.5, 0.0, 0.5), (62, 0.5, 0.5, 0.5, None, -6.0))
    audio = PhrasePlayer().play(Part(Slurring(), ONE, legato=True), (first, second))
    assert audio[:500].eq(1).all()
    assert audio[520:1000].numpy() == pytest.approx(10 ** (-6 / 20))
    assert float(audio.diff()[:1000].abs().max()) < 0.05


def test_phrases_count_as_the_notes_they_are_and_progress_reaches_the_end(tmp_path) -> None:
    score = score_of(notes_of((60, 0.5, 0.0, 0.5), (62, 0.5, 0.5, 0.5), (64, 0.5, 2.0, 0.5)))
    told: list[tuple[str, float, float]] = []
    part = Part(Slurring(), ONE, legato=True)
    done = perform(score, part, tmp_path / "a.wav", progress=lambda *how_far: told.append(how_far))
    assert (done.n_notes, done.n_rendered) == (3, 3)
    assert told == [("playing", 2, 3), ("playing", 3, 3)]


def test_who_cannot_slur_says_so() -> None:
    with pytest.raises(Unsupported, match="decaying cannot slur: leave legato out"):
        Part(Decaying(), ONE, legato=True)


@pytest.fixture(scope="module")
def harmonic() -> tuple[Harmonic, torch.Tensor]:
    """The real thing, with random weights of little say, and a sound that is steady and dull."""
    torch.manual_seed(1)
    instrument = Harmonic(HarmonicSettings(size="tiny"))
    instrument.network.decoder.sustain.out.weight.data *= 0.05
    layout = instrument.layout
    parts = layout.parts(layout.timbre(layout.zero()))
    partial = torch.full_like(parts.partial, -80.0)
    partial[:, :6] = 0.0
    noise = torch.full_like(parts.noise, -80.0)
    known_s = torch.tensor(2.5)
    return instrument, layout.timbre(parts._replace(partial=partial, noise=noise, known_s=known_s))


def test_a_legato_part_sounds_on_from_note_to_note(harmonic, tmp_path) -> None:
    instrument, timbre = harmonic
    score = score_of(notes_of((57, 0.7, 0.0, 0.5), (62, 0.7, 0.5, 0.5), (59, 0.7, 1.0, 0.5)))
    part = Part(instrument, timbre, controls={"release": 0.125}, legato=True)
    for name in ("a.wav", "b.wav"):
        perform(score, part, tmp_path / name)
    audio, rate = read_channels(tmp_path / "a.wav")
    assert torch.equal(audio, read_channels(tmp_path / "b.wav")[0])
    power = np.convolve(audio[0].double().numpy() ** 2, np.ones(400) / 400, "same")
    level_db = 10 * np.log10(power[round(0.2 * rate) : round(1.45 * rate)])
    assert np.ptp(level_db) < 3.0


def test_repeated_notes_differ_and_the_same_seed_plays_the_same(harmonic, tmp_path) -> None:
    instrument, timbre = harmonic
    rows = [(57, 0.7, 0.5 * i, 0.25) for i in range(6)]
    part, files = Part(instrument, timbre), []
    for name, seed in (("a.wav", 3), ("b.wav", 3), ("c.wav", 4)):
        done = perform(score_of(notes_of(*rows)), part, tmp_path / name, seed=seed)
        files.append(read_channels(done.path)[0][0])
        assert done.n_rendered == 4
    assert torch.equal(files[0], files[1])
    assert not torch.equal(files[0], files[2])
    takes = [files[0][round(0.5 * i * 16000) :][:3000] for i in range(6)]
    loudest = float(takes[0].abs().max())
    for one, next_one in pairwise(takes):
        assert float((one - next_one).abs().max()) > 0.05 * loudest
