"""render: tracks, timbres, stems, places on the stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from timbrel.timbre import Bank, Entry

SINE = ("--model", "sine")


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Two timbres that cannot be mistaken: the fundamental alone, the second harmonic alone."""
    first, second = torch.tensor([1.0, 0, 0, 0]), torch.tensor([0, 1.0, 0, 0])
    entries = {"violin": Entry("sound", first), "bass": Entry("mean", second)}
    return Bank("", entries).save(tmp_path / "bank.safetensors")


def level(audio: np.ndarray, f0_hz: float, sample_rate: int = 16000) -> float:
    """Amplitude of a frequency."""
    times_s = np.arange(len(audio)) / sample_rate
    wave = np.exp(-2j * np.pi * f0_hz * times_s) * np.hanning(len(audio))
    return float(np.abs(wave @ audio)) / np.hanning(len(audio)).sum() * 2


def test_one_timbre_plays_all_but_the_drums(timbrel: Any, song: Path, sounds: Path) -> None:
    ran = timbrel("render", song, "--timbre", sounds / "a.wav", "--json", *SINE)
    path = "out/song-sounds_a_wav-sine.wav"
    figures = json.loads("\n".join(ran.out))
    assert figures["path"] == path
    assert figures["n_notes"] == 6
    assert figures["skipped"] == ["kit"]
    assert ran.err == ["timbrel: nobody plays kit: name it in --timbre to hear it"]
    assert ran.written == {Path(path)}
    audio, sample_rate = soundfile.read(path)
    assert audio.shape[1] == 2
    assert len(audio) / sample_rate == pytest.approx(figures["duration_s"])
    assert 0.05 < np.abs(audio).max() <= 1


def test_tracks_that_are_called_alike_are_missed_once(timbrel: Any, sounds: Path) -> None:
    from timbrel.midi import Score, ScoreNote, Track, write_score

    notes = (ScoreNote(60.0, 0.8, 0.0, 0.1),)
    kits = [Track("kit", 0, True, notes)] * 2
    score = write_score(Path("kits.mid"), Score((Track("lead", 40, False, notes), *kits)))
    ran = timbrel("render", score, "--timbre", sounds / "a.wav", *SINE)
    assert ran.err == ["timbrel: nobody plays kit: name it in --timbre to hear it"]


def test_tracks_get_their_own_timbres_places_and_levels(
    timbrel: Any, song: Path, bank: Path
) -> None:
    ran = timbrel(
        "render", song, "--timbre", "lead=violin,low=bass", "--pan", "1=-1,2=1", "--gain", "low=-6",
        "--stems", "--plot", "--out", "mix.wav", "--bank", bank, *SINE,
    )  # fmt: skip
    stems = [Path("mix_stems/01-lead.wav"), Path("mix_stems/02-low.wav")]
    assert ran.paths == [Path("mix.wav"), Path("mix.png"), *stems]
    lead, low = (soundfile.read(path)[0] for path in stems)
    assert np.abs(lead[:, 1]).max() < 1e-4 < 0.05 < np.abs(lead[:, 0]).max()
    assert np.abs(low[:, 0]).max() < 1e-4 < 0.05 < np.abs(low[:, 1]).max()
    c4, c2 = 261.6256, 65.4064
    assert level(lead[800:4000, 0], c4) > 20 * level(lead[800:4000, 0], 2 * c4)
    assert level(low[800:7000, 1], 2 * c2) > 20 * level(low[800:7000, 1], c2)
    louder = timbrel(
        "render", song, "--timbre", "lead=violin,low=bass", "--pan", "1=-1,2=1", "--stems",
        "--out", "louder.wav", "--bank", bank, *SINE,
    )  # fmt: skip
    other_lead, other_low = (soundfile.read(path)[0] for path in louder.paths[1:])
    change = (level(low[800:7000, 1], 2 * c2) / level(other_low[800:7000, 1], 2 * c2)) / (
        level(lead[800:4000, 0], c4) / level(other_lead[800:4000, 0], c4)
    )
    assert 20 * np.log10(change) == pytest.approx(-6, abs=0.05)


def test_without_a_timbre_programs_find_their_names(timbrel: Any, song: Path, bank: Path) -> None:
    ran = timbrel("render", song, "--bank", bank, "--stems", "--out", "song.flac", *SINE)
    assert ran.paths[0] == Path("song.flac")
    lead, _ = soundfile.read(ran.paths[1])
    low, _ = soundfile.read(ran.paths[2])
    assert level(lead.sum(1)[800:4000], 261.6256) > 20 * level(lead.sum(1)[800:4000], 523.2511)
    assert level(low.sum(1)[800:7000], 130.8128) > 20 * level(low.sum(1)[800:7000], 65.4064)


def test_drums_play_when_they_are_asked_for(timbrel: Any, song: Path, bank: Path) -> None:
    words = ("--timbre", "violin", "--timbre", "drums=bass", "--bank", bank, "--json", *SINE)
    figures = json.loads("\n".join(timbrel("render", song, *words).out))
    assert (figures["n_notes"], figures["skipped"]) == (7, [])


def test_an_envelope_is_laid_over_each_note(timbrel: Any, song: Path, bank: Path) -> None:
    words = ("--timbre", "1=violin", "--adsr", "0.2,0,1,0", "--bank", bank, *SINE)
    audio, sample_rate = soundfile.read(timbrel("render", song, *words).paths[0])
    start, later = int(0.02 * sample_rate), int(0.18 * sample_rate)
    assert np.abs(audio[:start]).max() < 0.2 * np.abs(audio[later : later + start]).max()


@pytest.mark.parametrize("adsr", ["1,2,3", "0,0,2,0", "a,b,c,d", "-1,0,1,0", "nan,0,1,0"])
def test_envelopes_that_cannot_be(timbrel: Any, song: Path, adsr: str) -> None:
    assert f"{adsr!r}" in timbrel("render", song, f"--adsr={adsr}", *SINE).refusal


def test_a_note_of_hours_is_held_for_ten_minutes_and_that_is_said(
    timbrel: Any, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from timbrel.cli.play import performing
    from timbrel.midi import Score, ScoreNote, Track, write_score

    asked: list[float] = []

    def perform(score: Score, parts: Any, path: Path, **more: Any) -> Any:
        asked.extend(note.duration_s for note in score.tracks[0].notes)
        return real(Score((Track("", 40, False, (ScoreNote(60.0, 1.0, 0.0, 0.1),)),)), parts, path)

    real = performing.perform
    monkeypatch.setattr(performing, "perform", perform)
    notes = (ScoreNote(60.0, 0.8, 0.0, 4000.0), ScoreNote(64.0, 0.8, 0.0, 1.0))
    song = write_score(Path("long.mid"), Score((Track("", 40, False, notes),)))
    ran = timbrel("render", song, "--timbre", "violin", "--bank", bank, *SINE)
    assert ran.err == ["timbrel: 1 of the notes last over 600 s: each was played for 600 s"]
    assert max(asked) == 600.0
    endless = (ScoreNote(60.0, 0.8, 25000.0, 1.0),)
    song = write_score(Path("endless.mid"), Score((Track("", 40, False, endless),)))
    refusal = timbrel("render", song, "--timbre", "violin", "--bank", bank, *SINE).refusal
    assert refusal == "endless.mid lasts 6.9 h, the longest is 6 h: cut it"


def test_named_tracks_are_slurred() -> None:
    from timbrel.cli.play.parts import chosen_tracks
    from timbrel.midi import Score, Track

    score = Score(
        (Track("lead", 73, False, ()), Track("low", 32, False, ()), Track("kit", 0, True, ()))
    )
    assert chosen_tracks(score, [], "--legato") == [False, False, False]
    assert chosen_tracks(score, ["lead, bass"], "--legato") == [True, True, False]
    assert chosen_tracks(score, ["1", "all"], "--legato") == [True, True, False]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--model", "sine", "--legato", "all"), "sine cannot slur: leave legato out"),
        (("--model", "harmonic-16k", "--legato", "tuba"), "--legato: "),
    ],
)
def test_tracks_that_cannot_be_slurred(
    timbrel: Any, song: Path, sounds: Path, options: tuple[str, ...], said: str
) -> None:
    assert said in timbrel("render", song, "--timbre", sounds / "a.wav", *options).refusal
