"""`timbrel transfer`: a voice becomes an instrument, and what cannot is one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from timbrel.instruments.ddsp import Ddsp, DdspSettings
from timbrel.instruments.ddsp.timbre_layout import Layout, Manner
from timbrel.timbre import Bank

from .conftest import tone


def folder_of(home: Path, name: str, latent: int, *sounds: str) -> Path:
    """A model of random weights that plays C4 to C6, in the user's folder."""
    torch.manual_seed(0)
    settings = DdspSettings(size="tiny", sample_rate=16000, latent=latent, reverb_s=0.1)
    model = Ddsp(settings)
    manner = Manner(*map(torch.tensor, (60.0, 84.0, -50.0, -20.0, 0.01, 0.0, 0.05)))
    model.bank = Bank(model.fingerprint)
    for number, sound in enumerate(sounds):
        model.bank.add(sound, Layout(latent).timbre(torch.full((latent,), 0.5 * number), manner))
    folder = home / "timbrel" / "models" / name
    folder.mkdir(parents=True)
    model.save(folder)
    return folder


@pytest.fixture
def players(tmp_path: Path, timbrel, monkeypatch) -> Path:
    """The folder of a user who has two models, where none are shipped."""
    monkeypatch.setattr("timbrel.instruments.registry._SHIPPED", tmp_path / "nothing")
    home = tmp_path / ".home"
    folder_of(home, "ddsp-guitar", 0, "guitar")
    folder_of(home, "ddsp-many", 4, "oboe", "tuba")
    return home


@pytest.fixture
def voice(tmp_path: Path, players) -> Path:
    """Three notes an octave under the models' range, in stereo at 44.1 kHz."""
    notes = [tone(midi_hz, 0.4, 44100) for midi_hz in (130.8, 146.8, 164.8)]
    audio = np.concatenate(notes)
    soundfile.write(tmp_path / "voice.wav", np.stack([audio, 0.5 * audio], 1), 44100)
    return Path("voice.wav")


def test_a_voice_becomes_a_guitar_and_what_was_done_is_said(timbrel, voice) -> None:
    ran = timbrel("transfer", voice)
    assert ran.code == 0, ran.err
    assert ran.out == ["out/voice_wav-guitar.wav"]
    assert ran.err[0].startswith("timbrel: voice.wav as guitar: an octave up, ")
    info = soundfile.info(ran.paths[0])
    assert (info.samplerate, info.channels) == (16000, 1)
    assert 1.2 <= info.duration < 1.6


def test_figures_and_a_picture(timbrel, voice) -> None:
    words = ["--to", "guitar", "--octave", "2", "--gain", "3", "--json", "--plot"]
    ran = timbrel("transfer", voice, *words)
    figures = json.loads("\n".join(ran.out))
    assert (figures["octaves"], figures["gain_db"]) == (2, 3.0)
    assert figures["heard_median_pitch"] == pytest.approx(50, abs=0.1)
    assert figures["followed_median_pitch"] == pytest.approx(74, abs=0.1)
    assert (figures["model"], figures["doubt"]) == ("ddsp-guitar", None)
    stem = "out/voice_wav-guitar-octave=2"
    assert (figures["path"], figures["picture"]) == (f"{stem}.wav", f"{stem}.png")
    assert ran.written == {Path(f"{stem}.wav"), Path(f"{stem}.png")}


def test_models_are_named_in_several_ways(timbrel, voice, players) -> None:
    folder = players / "timbrel" / "models" / "ddsp-guitar"
    sounds = {}
    for number, to in enumerate(("guitar", "ddsp-guitar", folder, "oboe", "tuba", "voice.wav")):
        ran = timbrel("transfer", voice, "--to", to, "--out", f"{number}.wav")
        assert ran.code == 0, ran.err
        sounds[number] = soundfile.read(ran.paths[0])[0]
    np.testing.assert_array_equal(sounds[0], sounds[1])
    np.testing.assert_array_equal(sounds[0], sounds[2])
    assert np.abs(sounds[3][:8000] - sounds[4][:8000]).max() > 1e-3
    assert np.abs(sounds[3][:8000] - sounds[5][:8000]).max() > 1e-3
    by_name = timbrel("transfer", voice, "--to", "ddsp-many", "--timbre", "tuba", "--out", "t.wav")
    np.testing.assert_array_equal(sounds[4], soundfile.read(by_name.paths[0])[0])


def test_controls_and_dry(timbrel, voice) -> None:
    quiet = ["--controls", "harmonic_gain=-40,noise_gain=-40", "reverb_gain=-40"]
    (soft,), (loud,), (dry,) = (
        timbrel("transfer", voice, *words, "--out", f"{number}.wav").paths
        for number, words in enumerate((quiet, [], [*quiet, "--dry", "1"]))
    )
    soft, loud, dry = (soundfile.read(path)[0] for path in (soft, loud, dry))
    assert np.abs(soft).max() < 0.03 * np.abs(loud).max()
    assert np.abs(dry).max() > 0.1


def test_a_control_that_cannot_be_turned_so_far_is_said(timbrel, voice) -> None:
    far = timbrel("transfer", voice, "--controls", "harmonic_gain=-600", "noise_gain=-6")
    assert far.code == 0
    lines = [line for line in far.err if "_gain" in line]
    assert lines == ["timbrel: harmonic_gain goes from -40 to 12 dB: -600 is taken for -40"]
    least = timbrel("transfer", voice, "--controls", "harmonic_gain=-40", "noise_gain=-6")
    assert not [line for line in least.err if "_gain" in line]
    far, least = (soundfile.read(ran.paths[0])[0] for ran in (far, least))
    np.testing.assert_array_equal(far, least)


def test_results_of_other_ears_and_controls_have_other_names(timbrel, voice) -> None:
    heard = timbrel("transfer", voice, "--pitch-tracker", "swift")
    assert heard.out == ["out/voice_wav-guitar-swift.wav"]
    turned = timbrel("transfer", voice, "--controls", "noise_gain=3", "harmonic_gain=-6")
    assert turned.out == ["out/voice_wav-guitar-noise_gain=3-harmonic_gain=-6.wav"]


def test_several_notes_at_once_are_doubted(timbrel, players, tmp_path) -> None:
    chord = sum(tone(hz, 2.0, 48000) for hz in (220.0, 277.18, 329.63)) / 3
    soundfile.write(tmp_path / "chord.wav", chord, 48000)
    ran = timbrel("transfer", "chord.wav")
    assert ran.code == 0
    assert ran.err[0].startswith("timbrel: chord.wav: several notes seem to sound at once")


def test_what_cannot_be_followed(timbrel, players, bad_wav) -> None:
    words = timbrel("transfer", bad_wav).refusal
    assert bad_wav.name in words


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--to", "gitar"], "nobody is called 'gitar': those that follow a recording are guitar, "),
        (["--to", ""], "--to: an empty word"),
        (["--to", 300 * "x"], "nobody is called 'xxx"),
        (["--to", "gitar"], "`timbrel models ddsp-many` tells which sounds it knows"),
        (["--to", "runs/none/model"], "no model at runs/none/model: a trained one is RUN/model"),
        (["--to", "sine"], "sine cannot follow a recording: `timbrel models` shows"),
        (["--to", "none.wav"], "no audio file at none.wav"),
        (["--to", "oboe", "--timbre", "tuba"], "--to oboe is a sound already"),
        (["--to", "ddsp-many", "--timbre", "flut"], "unknown sound 'flut'"),
        (["--octave", "9"], "'9': wanted octaves from -6 to 6, or \"auto\""),
        (["--octave", "up"], "'up': wanted octaves"),
        (["--dry", "2"], "--dry"),
        (["--controls", "gain"], "--controls 'gain' sets nothing: write CONTROL=NUMBER"),
        (["--controls", "gain=1"], "no control 'gain': this instrument has harmonic_gain"),
        (["--out", "voice.wav"], "voice.wav is what is read"),
        (["--out", "x.mp3"], "x.mp3 ends in '.mp3'"),
    ],
)
def test_words_that_mean_nothing(timbrel, voice, words, line) -> None:
    assert line in timbrel("transfer", voice, *words).refusal


def test_a_recording_without_a_melody_is_named(timbrel, voice, tmp_path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 48000)
    soundfile.write(tmp_path / "noise.wav", noise, 48000)
    said = timbrel("transfer", voice, "--to", "noise.wav").refusal
    assert said.startswith("noise.wav: no melody is heard: give a recording of one voice")


def test_a_model_without_a_sound_wants_one(timbrel, voice, players) -> None:
    folder = players / "timbrel" / "models" / "ddsp-many"
    (folder / "bank.safetensors").unlink()
    asked = ("transfer", voice, "--to", "ddsp-many")
    said = timbrel(*asked).refusal
    assert said.startswith("ddsp-many has no sound of its own (no bank.safetensors), so nobody")
    assert said.endswith("copy the whole model folder, or give a --bank or --timbre")
    assert timbrel(*asked, "--timbre", voice).code == 0
    os.mkfifo(folder / "bank.safetensors")
    assert "bank.safetensors is a pipe or a device: give a bank" in timbrel(*asked).refusal


def test_models_shows_who_follows(timbrel, players) -> None:
    rows = {row["name"]: row for row in json.loads("\n".join(timbrel("models", "--json").out))}
    assert "transfer" in rows["ddsp-guitar"]["can"]
    assert rows["ddsp-guitar"]["default_of"] == "transfer"
    assert "ddsp-guitar, the default of transfer:" in "\n".join(timbrel("models").out)
