"""inspect, encode, morph, blend, generate: real files, an instrument known in closed form."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from timbrel.timbre import Bank

SINE = ("--model", "sine")


def read(path: Path) -> tuple[np.ndarray, int]:
    audio, sample_rate = soundfile.read(path)
    return audio, sample_rate


def strongest_hz(path: Path) -> float:
    audio, sample_rate = read(path)
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 18))
    return float(np.argmax(spectrum) * sample_rate / (1 << 18))


def is_png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000


def test_inspect_measures_and_draws(timbrel: Any, sounds: Path) -> None:
    ran = timbrel("inspect", sounds / "my door.wav", "--json")
    figures = json.loads("\n".join(ran.out))
    assert figures["sample_rate_hz"] == 44100
    assert figures["duration_s"] == pytest.approx(0.8)
    assert (figures["note"], figures["channels"]) == ("A3", 1)
    assert abs(figures["cents"]) < 10
    assert figures["pitched_share"] > 0.8
    assert -12 < figures["peak_db"] < 0
    assert ran.written == {Path("out/sounds_my_door.wav.png")}
    assert is_png(Path("out/sounds_my_door.wav.png"))
    assert (figures["holds_several"], ran.err) == (False, [])


def test_inspect_says_that_a_phrase_holds_several_notes(timbrel: Any, sounds: Path) -> None:
    first, second = (read(sounds / f"{name}.wav")[0] for name in "ad")
    soundfile.write("phrase.wav", np.concatenate([first, second]), 16000)
    ran = timbrel("inspect", "phrase.wav", "--json")
    assert json.loads("\n".join(ran.out))["holds_several"] is True
    (said,) = ran.err
    line = r"timbrel: phrase\.wav holds several notes, the first lasts (\S+) s: no figure is of it"
    found = re.match(line, said)
    assert found is not None
    assert float(found[1]) == pytest.approx(0.8, abs=0.1)


def test_inspect_and_encode_take_a_breath_for_no_note(timbrel: Any, sounds: Path) -> None:
    breath = np.random.default_rng(0).normal(0, 0.004, 8000)
    recording = np.concatenate([breath, np.zeros(4000), read(sounds / "a.wav")[0]])
    soundfile.write("breath.wav", recording, 16000)
    assert timbrel("inspect", "breath.wav").err == []
    assert len(timbrel("encode", "breath.wav", *SINE).err) == 1


def test_inspect_takes_stereo_at_8_khz(timbrel: Any, sounds: Path) -> None:
    ran = timbrel("inspect", sounds / "stereo8k.wav", "--out", "deep/picture.png")
    assert ran.code == 0
    assert "channels         2" in ran.out
    assert "note             C4" in ran.out
    assert ran.out[-1] == "deep/picture.png"
    assert is_png(Path("deep/picture.png"))


def test_inspect_of_noise_finds_no_pitch(timbrel: Any, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 16000)
    soundfile.write(tmp_path / "noise.wav", noise, 16000)
    figures = json.loads("\n".join(timbrel("inspect", "noise.wav", "--json").out))
    assert figures["pitched_share"] < 0.2
    assert figures["centroid_hz"] == pytest.approx(4000, rel=0.05)


def test_encode_writes_a_timbre_that_sounds_like_the_recording(timbrel: Any, sounds: Path) -> None:
    ran = timbrel("encode", sounds / "a.wav", "--pitch", "C4", *SINE)
    assert ran.paths == [Path("out/a-sine.safetensors")]
    assert ran.err == ["timbrel: heard as C4, 0.8 s; kept as 'a'"]
    amplitudes = Bank.load("out/a-sine.safetensors")["a"]
    assert amplitudes.tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4], abs=0.02)


def test_encode_says_what_it_heard(timbrel: Any, tmp_path: Path) -> None:
    times_s = np.arange(16000) / 16000
    wave = np.sin(2 * np.pi * 220 * 2 ** (0.3 / 12) * times_s) * np.exp(-times_s)
    soundfile.write(tmp_path / "sharp.wav", 0.5 * wave, 16000)
    (said,) = timbrel("encode", "sharp.wav", "--name", "my a", *SINE).err
    heard = re.fullmatch(r"timbrel: heard as A3 \+(\d+) cents, 1\.0 s; kept as 'my a'", said)
    assert heard is not None
    assert int(heard[1]) == pytest.approx(30, abs=3)


def test_a_name_that_hides_one_of_the_model_s_is_said(
    timbrel: Any, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from timbrel.instruments.sine import Sine

    monkeypatch.setattr(Sine, "bank", Bank("", {"flute": _entry([1.0, 0, 0, 0])}), raising=False)
    words = ("--name", "flute", "--bank", "mine.safetensors", *SINE)
    kept = "timbrel: with --bank mine.safetensors, 'flute' is this one, not sine's own"
    assert timbrel("encode", sounds / "a.wav", *words).err[1:] == [kept]
    ran = timbrel("blend", "flute", "--bank", "mine.safetensors", *SINE)
    assert ran.err == ["timbrel: 'flute' is from mine.safetensors, not sine's own"]
    assert timbrel("blend", "flute", *SINE).err == []
    words = ("--name", "other", "--bank", "mine.safetensors", *SINE)
    assert len(timbrel("encode", sounds / "b.wav", *words).err) == 1


def test_encode_fills_a_bank_that_other_verbs_know(timbrel: Any, sounds: Path) -> None:
    for name in ("a", "b"):
        words = ["--name", f"my {name}", "--bank", "mine.safetensors", *SINE]
        ran = timbrel("encode", sounds / f"{name}.wav", *words)
        assert ran.written == {Path("mine.safetensors")}
    bank = Bank.load("mine.safetensors")
    assert list(bank) == ["my a", "my b"]
    ran = timbrel("blend", "'my a' + 'my b'", "--bank", "mine.safetensors", *SINE)
    assert ran.paths == [Path("out/my_a+my_b-mine-sine.wav")]


def test_a_given_pitch_is_believed(timbrel: Any, sounds: Path) -> None:
    ran = timbrel("encode", sounds / "a.wav", "--pitch", "C3", *SINE)
    amplitudes = Bank.load(ran.paths[0])["a"]
    assert amplitudes.tolist() == pytest.approx([0, 1, 0, 1 / 2], abs=0.02)


def test_a_sound_without_a_pitch_is_taken_for_middle_c(timbrel: Any, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 16000) * np.exp(-np.arange(16000) / 2000)
    soundfile.write(tmp_path / "door.wav", noise, 16000)
    ran = timbrel("blend", "door.wav", *SINE)
    assert ran.code == 0
    assert ran.err[0].startswith("timbrel: no pitch can be heard in door.wav: taken for C4")


def test_morph_takes_document_000_s_arguments(timbrel: Any, sounds: Path) -> None:
    ran = timbrel(
        "morph", "--a", sounds / "a.wav", "--b", sounds / "stereo8k.wav", "--alpha", "0.35",
        "--out", "out/ab.wav", *SINE,
    )  # fmt: skip
    assert ran.paths == [Path("out/ab.wav")]
    audio, sample_rate = read(ran.paths[0])
    assert sample_rate == 16000
    assert len(audio) == pytest.approx(2.02 * 16000, abs=2)


def test_morph_sounds_at_the_first_recording_s_pitch(timbrel: Any, sounds: Path) -> None:
    words = (sounds / "b.wav", sounds / "a.wav", *SINE)
    assert strongest_hz(timbrel("morph", *words).paths[0]) == pytest.approx(523.25, rel=0.01)
    ran = timbrel("morph", *words, "--pitch", "A3")
    assert strongest_hz(ran.paths[0]) == pytest.approx(220.0, rel=0.01)


@pytest.mark.parametrize("alpha", [0, 1])
def test_the_ends_of_a_morph_are_the_plain_sounds(timbrel: Any, sounds: Path, alpha: int) -> None:
    a, b = sounds / "a.wav", sounds / "c.wav"
    note = ("--pitch", "60", "--duration", "0.5", *SINE)
    morphed = timbrel("morph", a, b, "--alpha", alpha, *note, "--out", "morph.wav").paths[0]
    plain = timbrel("blend", b if alpha else a, *note, "--out", "plain.wav").paths[0]
    assert np.array_equal(read(morphed)[0], read(plain)[0])


def test_steps_are_files_and_a_row_and_a_picture(timbrel: Any, sounds: Path) -> None:
    ran = timbrel(
        "morph", sounds / "a.wav", sounds / "b.wav", "--steps", "3", "--duration", "0.3", "--plot",
        *SINE,
    )  # fmt: skip
    folder = Path("out/morph_sounds_a_wav_sounds_b_wav-sine")
    steps = [folder / f"alpha_{alpha}.wav" for alpha in ("0.000", "0.500", "1.000")]
    assert ran.paths == [folder / "all.wav", *steps, folder / "all.png"]
    assert is_png(ran.paths[-1])
    lengths = [len(read(path)[0]) for path in steps]
    assert len(read(ran.paths[0])[0]) == sum(lengths) + 2 * 800


def test_steps_into_one_file(timbrel: Any, sounds: Path) -> None:
    words = (sounds / "a.wav", sounds / "b.wav", sounds / "c.wav", "--steps", "5", *SINE)
    assert timbrel("morph", *words, "--out", "row.flac").written == {Path("row.flac")}


def test_weights_of_three_sounds(timbrel: Any, sounds: Path) -> None:
    words = [sounds / f"{name}.wav" for name in "abc"]
    note = ("--pitch", "60", *SINE)
    mixed = timbrel("morph", *words, "--weights", "0,0,7", *note).paths[0]
    alone = timbrel("blend", sounds / "c.wav", *note).paths[0]
    assert np.array_equal(read(mixed)[0], read(alone)[0])


@pytest.mark.parametrize("corners", [2, 3, 4])
def test_a_pad_holds_its_notes_and_a_page_that_plays_them(
    timbrel: Any, sounds: Path, corners: int
) -> None:
    words = [sounds / f"{name}.wav" for name in "abcd"[:corners]]
    ran = timbrel("morph", *words, "--grid", "3x2", "--duration", "0.2", "--plot", *SINE)
    called = "_".join(["pad", *(f"sounds_{name}_wav" for name in "abcd"[:corners])])
    folder = Path("out", f"{called}-sine")
    assert ran.paths[:2] == [folder / "pad.html", folder / "pad.png"]
    facts = json.loads((folder / "pad.json").read_text())
    assert (facts["columns"], facts["rows"]) == (3, 2)
    assert facts["names"] == list("abcd"[:corners])
    assert len(facts["notes"]) == 6
    assert all((folder / note).is_file() for note in facts["notes"])
    assert [sum(cell) for cell in facts["weights"]] == pytest.approx([1] * 6)
    page = (folder / "pad.html").read_text()
    assert "http" not in page
    held = json.loads(page.split('type="application/json">')[1].split("</script>")[0])
    assert len(held["notes"]) == 6
    assert held["notes"][0].startswith("UklGR")  # RIFF


@pytest.mark.parametrize("corners", [2, 3, 4])
def test_a_pad_s_corners_are_as_loud_as_each_other(timbrel: Any, corners: int) -> None:
    levels = {"loud": 0.8, "soft": 0.1, "middle": 0.3, "other": 0.5}
    for name, level in list(levels.items())[:corners]:
        Bank("", {name: _entry([level, 0, level / 4, 0])}).save(f"{name}.safetensors")
    words = [f"{name}.safetensors" for name in list(levels)[:corners]]
    (page, *_) = timbrel("morph", *words, "--grid", "3x3", "--duration", "0.6", *SINE).paths
    peaks = np.array([
        [np.abs(read(page.parent / f"row{row}_column{column}.wav")[0]).max() for column in range(3)]
        for row in range(3)
    ])  # fmt: skip
    edges = peaks[[0, 0, 2, 2], [0, 2, 0, 2]]
    assert 20 * np.log10(edges.max() / edges.min()) < 0.1
    assert edges.min() == pytest.approx(peaks[0, 2], rel=0.01)
    if corners == 2:
        # Half-way the amplitudes are half of both, the gains half of both in dB.
        mean, gain = (0.8 + 0.1) / 2, (0.8 * 0.1) ** -0.5
        assert peaks[1, 1] / peaks[0, 2] == pytest.approx(mean * gain, rel=0.02)
    assert 0.1 < peaks.max() <= 0.98 + 1e-4


def test_a_morph_in_a_row_keeps_its_levels(timbrel: Any) -> None:
    for name, level in {"loud": 0.8, "soft": 0.1}.items():
        Bank("", {name: _entry([level, 0, 0, 0])}).save(f"{name}.safetensors")
    words = ("loud.safetensors", "soft.safetensors", "--steps", "2", "--duration", "0.3", *SINE)
    loud, soft = (np.abs(read(path)[0]).max() for path in timbrel("morph", *words).paths[1:])
    assert loud / soft == pytest.approx(8, rel=0.02)


def test_a_corner_s_name_cannot_break_the_page(timbrel: Any, sounds: Path) -> None:
    evil = sounds.rename(sounds.with_name("x")) / "<script>alert(1)<.wav"
    (sounds.with_name("x") / "a.wav").rename(evil)
    timbrel("morph", evil, evil, "--grid", "2x2", "--duration", "0.1", *SINE)
    (page,) = (path.read_text() for path in Path("out").rglob("pad.html"))
    assert page.count("<script") == 2
    assert "\\u003cscript>alert" in page


def test_blend_of_quoted_files(timbrel: Any, sounds: Path) -> None:
    ran = timbrel("blend", "0.5*'sounds/my door.wav' + 0.5*'sounds/a.wav'", "--plot", *SINE)
    called = "out/0.5sounds_my_door_wav+0.5sounds_a_wav-sine"
    assert ran.paths == [Path(f"{called}.wav"), Path(f"{called}.png")]


def test_a_folder_is_no_sound_and_no_division(timbrel: Any, sounds: Path) -> None:
    line = " is a folder, not a sound: name one sound file in it"
    for name in (".", "sounds", "../" + sounds.parent.name + "/sounds"):
        assert timbrel("blend", name, *SINE).refusal == name + line
    refusal = timbrel("blend", "'sounds' + 'sounds/a.wav'", *SINE).refusal
    assert refusal.startswith("sounds" + line)
    assert timbrel("morph", "sounds/a.wav", "sounds", *SINE).refusal == "sounds" + line


def test_nothing_clips(timbrel: Any, sounds: Path) -> None:
    Bank("", {"loud": _entry([1.0, 1.0, 1.0, 1.0])}).save("loud.safetensors")
    ran = timbrel("blend", "loud.safetensors", "--velocity", "1", *SINE)
    peak = np.abs(read(ran.paths[0])[0]).max()
    assert 0.9 < peak <= 0.98 + 1e-6


def test_a_direction_alone_is_no_sound(timbrel: Any) -> None:
    Bank("", {"bright": _entry([0, 0, 0, 1.0], "direction")}).save("bank.safetensors")
    refusal = timbrel("blend", "bright", "--bank", "bank.safetensors", *SINE).refusal
    assert refusal.startswith("bright is a direction, not a sound")


def test_generate_is_repeatable_and_keeps_its_timbres(timbrel: Any) -> None:
    words = ("generate", "--count", "2", "--seed", "5", "--duration", "0.2", *SINE)
    ran = timbrel(*words)
    names = ["generated_5_1", "generated_5_2"]
    folder = Path("out/generated_5-sine")
    bank = folder / "all.safetensors"
    assert ran.paths == [folder / "all.wav", *(folder / f"{name}.wav" for name in names), bank]
    sounds, timbres = [read(path)[0].tolist() for path in ran.paths[:-1]], Bank.load(bank)
    assert [read(path)[0].tolist() for path in timbrel(*words).paths[:-1]] == sounds
    assert list(timbres) == names
    assert [Bank.load(bank)[name].tolist() for name in names] == [
        timbres[n].tolist() for n in names
    ]
    again = timbrel("blend", names[0], "--bank", bank, "--duration", "0.2", *SINE)
    assert strongest_hz(again.paths[0]) == pytest.approx(strongest_hz(ran.paths[1]), rel=0.01)


def test_what_a_family_cannot_do(timbrel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from timbrel.instruments.sine import Sine

    monkeypatch.setattr(Sine, "abilities", frozenset({"encode"}))
    assert timbrel("generate", *SINE).refusal.startswith("sine cannot generate")


def _entry(amplitudes: list[float], kind: Any = "sound") -> Any:
    import torch

    from timbrel.timbre import Entry

    return Entry(kind, torch.tensor(amplitudes))
