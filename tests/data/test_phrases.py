"""Melodies for a SoundFont: what is planned, and that this is what sounds."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from timbrel.audio import read_audio
from timbrel.config import make_settings
from timbrel.data.phrases.plan import (
    RANGES,
    Phrase,
    PhraseNote,
    PhraseSettings,
    Turn,
    is_plucked,
    plan_phrases,
)
from timbrel.data.phrases.rendering import PhrasePlayer, gain_db_at, pitch_at, tuning
from timbrel.data.phrases.soundfont_phrases import render_phrases
from timbrel.data.soundfonts.gm_programs import gm_programs
from timbrel.dsp.listening import follow
from timbrel.errors import BadConfig, BadInput
from timbrel.units import amplitude_to_db, midi_to_hz

from .tiny_font import tiny_font

pytest.importorskip("tinysoundfont")
PROGRAMS = {program.short_name: program for program in gm_programs()}


def planned(name: str, **keys) -> tuple[Phrase, ...]:
    return plan_phrases(PhraseSettings(programs=(name,), **keys), PROGRAMS[name])


@pytest.fixture
def font(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.sf2"
    path.write_bytes(tiny_font((0, 40, 88)))
    return path


class TestPlan:
    def test_the_seed_and_the_number_say_what_is_played(self):
        phrases = planned("violin", minutes=2.0)
        assert phrases == planned("violin", minutes=2.0)
        assert phrases[:5] == planned("violin", minutes=1.0)[:5]
        assert phrases[0] != planned("violin", minutes=1.0, seed=1)[0]
        assert phrases[0] != phrases[1]

    def test_all_the_minutes_that_were_asked_for_and_hardly_more(self):
        total_s = sum(phrase.duration_s for phrase in planned("flute", minutes=5.0))
        assert 300 <= total_s < 320

    @pytest.mark.parametrize("name", ["violin", "guitar", "tuba", "piccolo", "sitar"])
    def test_pitches_stay_where_the_instrument_is_played(self, name):
        lowest, highest = RANGES.get(name, (45, 84))
        pitches = [
            note.pitch + turn
            for phrase in planned(name, minutes=5.0)
            for note in phrase.notes
            for turn in (0.0, *(t.semitones for t in note.turns if t.at_s > 0.1))
        ]
        assert lowest <= min(pitches) < lowest + 8
        assert highest - 8 < max(pitches) <= highest

    def test_one_note_at_a_time_and_none_without_length(self):
        for phrase in planned("trumpet", minutes=5.0):
            ends = [note.onset_s + note.duration_s for note in phrase.notes]
            begins = [note.onset_s for note in phrase.notes]
            assert all(b >= e - 1e-9 for e, b in zip(ends[:-1], begins[1:], strict=True))
            assert min(note.duration_s for note in phrase.notes) >= 0.02
            assert ends[-1] < phrase.duration_s
            assert all(1 <= note.velocity <= 127 for note in phrase.notes)

    def test_bows_slur_vibrate_and_swell_plucked_strings_do_so_less(self):
        bowed = [n for p in planned("violin", minutes=20.0) for n in p.notes]
        plucked = [n for p in planned("guitar", minutes=20.0) for n in p.notes]
        slurred = [np.mean([len(n.turns) > 0 for n in notes]) for notes in (bowed, plucked)]
        shaking = [np.mean([n.vibrato[0] > 0 for n in notes]) for notes in (bowed, plucked)]
        assert slurred[0] > 1.3 * slurred[1] > 0.05
        assert shaking[0] > 1.5 * shaking[1] > 0.01
        assert all(phrase.expression for phrase in planned("violin"))
        assert not any(phrase.expression for phrase in planned("guitar"))
        assert is_plucked(PROGRAMS["harp"])

    def test_every_split_gets_its_share(self):
        splits = [p.split for p in planned("flute", minutes=60.0, held_out=0.2)]
        for split in ("valid", "test"):
            assert splits.count(split) / len(splits) == pytest.approx(0.2, abs=0.05)


class TestCurves:
    def test_a_slur_arrives_where_it_goes(self):
        note = PhraseNote(0.0, 1.0, 60, 90, (Turn(0.2, 0.1, 3.0), Turn(0.6, 0.05, -2.0)))
        curve = tuning(note, 9.0)
        assert curve[[0, 99, 151, 299, 330, -1]] == pytest.approx([0, 0, 3, 3, -2, -2])
        assert curve[125] == pytest.approx(1.5)

    def test_vibrato_comes_in_and_is_as_deep_as_it_says(self):
        curve = tuning(PhraseNote(0.0, 3.0, 60, 90, (), (50.0, 5.0, 0.5)), 9.0)
        assert np.abs(curve[:250]).max() == 0
        assert np.abs(curve[500:]).max() == pytest.approx(0.5, rel=1e-3)

    def test_the_pitch_asked_for_is_the_keys_and_their_turns(self):
        notes = (PhraseNote(0.5, 1.0, 60, 90, (Turn(0.4, 0.1, 3.0),)), PhraseNote(2.0, 0.5, 67, 90))
        phrase = Phrase("train", PROGRAMS["flute"], "x", notes, (), 3.0)
        pitch = pitch_at(phrase, np.array([0.4, 0.5, 0.95, 1.3, 1.6, 2.2, 2.6]))
        expected = [np.nan, 60, 61.5, 63, np.nan, 67, np.nan]
        np.testing.assert_allclose(pitch, expected, atol=0.1)

    def test_expression_is_straight_between_its_points(self):
        phrase = Phrase("train", PROGRAMS["flute"], "x", (), ((0.0, -8.0), (2.0, 0.0)), 3.0)
        assert gain_db_at(phrase, np.array([0.0, 1.0, 2.5])).tolist() == [-8.0, -4.0, 0.0]


class TestSound:
    def test_what_is_planned_is_what_sounds(self, font):
        notes = (
            PhraseNote(0.1, 0.8, 60, 100, (Turn(0.4, 0.02, 4.0),)),
            PhraseNote(0.9, 0.5, 67, 100, (), (40.0, 6.0, 0.0)),
        )
        phrase = Phrase("train", PROGRAMS["violin"], "x", notes, (), 2.0)
        audio = PhrasePlayer(font, PhraseSettings(sample_rate=16000)).play(phrase)
        assert len(audio) == 32000
        f0_hz = follow(audio, 16000).f0_hz.numpy()
        base = f0_hz[60] / midi_to_hz(60.0)  # the font's own tuning
        for at_s, semitones in ((0.3, 0), (0.7, 4), (0.85, 4)):
            wanted = base * midi_to_hz(60.0 + semitones)
            assert f0_hz[round(200 * at_s)] == pytest.approx(wanted, rel=0.003)
        second = f0_hz[200:270] / (base * midi_to_hz(67.0))
        assert 1200 * np.log2(second.max()) == pytest.approx(40, abs=8)

    def test_a_phrase_sounds_the_same_whatever_came_before(self, font):
        phrases = planned("violin")[:2]
        player = PhrasePlayer(font, PhraseSettings())
        alone = PhrasePlayer(font, PhraseSettings()).play(phrases[1])
        player.play(phrases[0])
        assert (player.play(phrases[1]) == alone).all()

    def test_only_one_note_sounds_soon_after_another_began(self, font):
        notes = tuple(PhraseNote(0.1 + 0.4 * i, 0.39, 60 + 7 * (i % 2), 100) for i in range(4))
        phrase = Phrase("train", PROGRAMS["violin"], "x", notes, (), 2.0)
        audio = PhrasePlayer(font, PhraseSettings(sample_rate=16000)).play(phrase).double()
        for note, other in zip(notes[1:], notes[:-1], strict=True):
            begin = round(16000 * (note.onset_s + 0.06))
            spectrum = torch.fft.rfft(audio[begin : begin + 4000] * torch.hann_window(4000)).abs()
            at = [round(midi_to_hz(float(n.pitch)) * 4000 / 16000) for n in (note, other)]
            here, there = (float(spectrum[place - 2 : place + 3].max()) for place in at)
            assert here > 300 * there

    def test_the_loudest_note_peaks_where_it_is_told_to(self, font):
        loudest = Phrase("train", PROGRAMS["violin"], "x", (PhraseNote(0, 1, 60, 127),), (), 1.5)
        for peak_db in (-3.0, -20.0):
            audio = PhrasePlayer(font, PhraseSettings(peak_db=peak_db)).play(loudest)
            assert float(amplitude_to_db(audio.abs().max())) == pytest.approx(peak_db, abs=0.3)

    def test_a_set_is_made_once_and_gone_on_with(self, font, tmp_path):
        settings = PhraseSettings(programs=("violin",), minutes=0.5, sample_rate=16000)
        out = tmp_path / "phrases"
        report = render_phrases(font, out, settings, processes=0)
        files = sorted(out.rglob("*.flac"))
        assert sum(report.phrases.values()) == len(files) == len(planned("violin", minutes=0.5))
        assert report.minutes["violin"] == pytest.approx(0.55, abs=0.1)
        assert report.silent == 0
        before = files[1].read_bytes()
        files[1].unlink()
        render_phrases(font, out, settings, processes=0)
        assert files[1].read_bytes() == before
        assert read_audio(files[0], 16000).abs().max() > 0.01

    def test_another_call_does_not_mix_with_it(self, font, tmp_path):
        settings = PhraseSettings(minutes=0.1, sample_rate=16000)
        render_phrases(font, tmp_path / "phrases", settings, processes=0)
        with pytest.raises(BadInput, match="another font or other settings"):
            render_phrases(font, tmp_path / "phrases", PhraseSettings(minutes=0.2), processes=0)

    @pytest.mark.parametrize("kind", ["no text", "pipe"])
    def test_what_tells_nothing_is_another_set(self, font, tmp_path, kind):
        (tmp_path / "phrases").mkdir()
        told = tmp_path / "phrases" / "phrases.toml"
        os.mkfifo(told) if kind == "pipe" else told.write_bytes(b"\xff\xfe")
        with pytest.raises(BadInput, match=r"another font or other settings \(phrases.toml tells"):
            render_phrases(font, tmp_path / "phrases", PhraseSettings(minutes=0.1), processes=0)

    def test_a_font_whose_name_is_no_text_is_refused(self, font, tmp_path):
        odd = font.rename(tmp_path / os.fsdecode(b"\xff.sf2"))
        with pytest.raises(BadInput, match=r"\?.sf2 has a name that is not UTF-8, .*: rename it"):
            render_phrases(odd, tmp_path / "phrases", processes=0)
        assert not (tmp_path / "phrases").exists()

    def test_no_instrument_and_days_of_one_are_refused(self, font, tmp_path):
        with pytest.raises(BadConfig, match=r"programs = \[\] names no instrument: give one, as"):
            render_phrases(font, tmp_path / "p", PhraseSettings(programs=()), processes=0)
        assert not (tmp_path / "p").exists()
        with pytest.raises(BadConfig, match=r"minutes = 6000: .* less than or equal to 600"):
            make_settings(PhraseSettings, {"minutes": 6000})

    def test_unknown_instruments_are_named(self, font, tmp_path):
        with pytest.raises(BadConfig, match="no General MIDI instrument is called 'violn'"):
            render_phrases(font, tmp_path / "p", PhraseSettings(programs=("violn",)), processes=0)
