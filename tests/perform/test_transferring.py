"""A recording followed into a file: where it is, how high, how loud, and in how much memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import soundfile
import torch

from timbrel.audio import AudioBlocks, read_audio
from timbrel.dsp.clearness import blurred_share, pitched_share
from timbrel.dsp.listening import follow
from timbrel.errors import BadAudio, BadInput, Unsupported
from timbrel.perform.hearing import hear_recording
from timbrel.perform.transferring import Manner, following, transfer
from timbrel.sound import Performance, Register

from .fakes import Decaying, Following

TIMBRE = torch.zeros(1)
HIGH = Register(60.0, 84.0, -50.0, -20.0)


def voice(pitches, sample_rate=48000, note_s=0.4, gap_s=0.1, level=0.1) -> np.ndarray:
    """Notes of six harmonics that begin and end within 10 ms."""
    sounds = []
    for pitch in pitches:
        time_s = np.arange(round(note_s * sample_rate)) / sample_rate
        f0_hz = 440 * 2 ** ((pitch - 69) / 12)
        shape = np.minimum(1, np.minimum(time_s, note_s - time_s) / 0.01)
        tone = sum(np.sin(2 * np.pi * k * f0_hz * time_s + k) / k for k in range(1, 7))
        sounds += [np.zeros(round(gap_s * sample_rate)), level * shape * tone]
    return np.concatenate([*sounds, np.zeros(round(gap_s * sample_rate))]).astype(np.float32)


def written(folder, audio, sample_rate=48000, name="voice.wav"):
    soundfile.write(folder / name, audio, sample_rate, "FLOAT")
    return folder / name


def onsets_s(audio: torch.Tensor, sample_rate: int) -> list[float]:
    """Where notes begin: where the level, over 10 ms, is half of its maximum after 50 ms below."""
    power = np.convolve(audio.numpy() ** 2, np.ones(sample_rate // 100), "same")
    loud = np.flatnonzero(power > 0.25 * power.max()) / sample_rate
    return loud[np.diff(loud, prepend=-1.0) > 0.05].tolist()


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_what_is_heard_sounds_at_the_same_time(tmp_path, rate) -> None:
    source = written(tmp_path, voice([60, 64, 67], rate), rate)
    made = transfer(source, Following(48000), TIMBRE, tmp_path / "out.wav")
    sound, original = read_audio(made.path, 48000), read_audio(source, 48000)
    onsets = onsets_s(sound, 48000)
    assert onsets == pytest.approx([0.105, 0.605, 1.105], abs=0.005)
    assert onsets == pytest.approx(onsets_s(original, 48000), abs=0.005)
    assert len(original) <= len(sound) <= len(original) + 0.2 * 48000


def test_a_follower_and_transfer_of_the_whole_give_the_same(tmp_path) -> None:
    source = written(tmp_path, voice([60, 72]))
    sounds = []
    for abilities in ({"follow"}, {"transfer"}):
        made = transfer(source, Following(16000, abilities), TIMBRE, tmp_path / "out.wav")
        sounds.append(read_audio(made.path, 16000))
    torch.testing.assert_close(*sounds, atol=1e-5, rtol=0)


def test_a_hummed_line_is_brought_into_the_register_and_that_is_said(tmp_path) -> None:
    source = written(tmp_path, voice([50, 52, 54], level=0.02))
    made = transfer(source, Following(register=HIGH), TIMBRE, tmp_path / "out.wav")
    assert str(made.fit).startswith("an octave up, ")
    heard = follow(read_audio(made.path, 16000), 16000)
    pitch = 69 + 12 * (heard.f0_hz[[60, 160, 260]] / 440).log2()
    assert pitch.tolist() == pytest.approx([62, 64, 66], abs=0.05)
    loudness_db = made.followed.loudness_db
    assert float(loudness_db[loudness_db > -60].quantile(0.95)) == pytest.approx(-20, abs=0.5)


def test_what_is_asked_for_is_done(tmp_path) -> None:
    source, instrument = written(tmp_path, voice([60])), Following(register=HIGH)
    manner = Manner(octaves=-1, gain_db=0.0, semitones=2.0, controls={"harmonic_gain": -20.0})
    soft = transfer(source, instrument, TIMBRE, tmp_path / "soft.wav", manner)
    loud = transfer(source, instrument, TIMBRE, tmp_path / "loud.wav", Manner(gain_db=0.0))
    sounds = [read_audio(made.path, 16000) for made in (soft, loud)]
    heard = follow(sounds[0], 16000)
    assert float(heard.f0_hz[60]) == pytest.approx(440 * 2 ** ((50 - 69) / 12), rel=0.002)
    assert float(sounds[0].abs().max() / sounds[1].abs().max()) == pytest.approx(0.1, rel=0.05)


def test_dry_is_the_recording_itself_in_its_place(tmp_path) -> None:
    audio = voice([60, 64])
    source = written(tmp_path, audio)
    made = transfer(source, Following(48000), TIMBRE, tmp_path / "out.wav", Manner(dry=1.0))
    sound = read_audio(made.path, 48000).numpy()
    np.testing.assert_allclose(sound[: len(audio)], audio, atol=1e-5)
    assert not sound[len(audio) :].any()


@pytest.mark.slow
def test_ten_minutes_take_little_memory(tmp_path) -> None:
    """Curves of 10 minutes are 3 MB as tensors; the sound would be 115 MB, here it is 38."""
    source = tmp_path / "long.flac"
    minute = np.tile(voice([57, 60, 64, 62, 60, 57], 16000)[: 3 * 16000], 20)
    with soundfile.SoundFile(source, "w", 16000, 1) as file:
        for _ in range(10):
            file.write(minute)
    transfer(written(tmp_path, minute[:16000], 16000), Following(), TIMBRE, tmp_path / "warm.wav")
    tracemalloc.start()
    made = transfer(source, Following(), TIMBRE, tmp_path / "out.flac")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert made.duration_s == pytest.approx(600, abs=0.3)
    assert peak < 25e6


def test_pitch_by_another_tracker_is_heard_in_stretches(tmp_path) -> None:
    audio = np.tile(voice([57, 60, 64, 62], 16000), 32)[: 62 * 16000]
    blocks = AudioBlocks(written(tmp_path, audio, 16000))
    light, swift = (hear_recording(blocks, tracker).melody for tracker in ("light", "swift"))
    sure = (light.confidence > 0.9) & (swift.confidence > 0.9)
    assert float(sure.float().mean()) > 0.6
    cents = 1200 * (swift.f0_hz / light.f0_hz).log2().abs()[sure]
    assert float(cents.quantile(0.95)) < 25
    torch.testing.assert_close(light.loudness_db, swift.loudness_db)


def chord(steps, sample_rate=48000, seconds=2.0) -> np.ndarray:
    """Plucked notes at once, each with ten harmonics that fade."""
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    tones = [
        np.sin(2 * np.pi * k * 220 * 2 ** (step / 12) * time_s + k * step) / k
        for step in steps for k in range(1, 11)
    ]  # fmt: skip
    return (0.05 * sum(tones) * np.exp(-time_s)).astype(np.float32)


@pytest.mark.parametrize("steps", [(0, 4, 7), (0, 3, 7), (0, 4), (0, 3)])
def test_chords_are_told_from_lines(tmp_path, steps) -> None:
    heard = hear_recording(AudioBlocks(written(tmp_path, chord(steps))))
    assert blurred_share(heard.melody) > 0.4
    assert heard.doubt.startswith("several notes seem to sound at once")


@pytest.mark.parametrize("steps", [(0, 5, 9), (0, 5, 9, 12)])
def test_chords_that_share_a_period_are_told_by_what_is_missing_at_it(tmp_path, steps) -> None:
    heard = hear_recording(AudioBlocks(written(tmp_path, chord(steps))))
    assert blurred_share(heard.melody) < 0.1
    assert heard.doubt.startswith("several notes seem to sound at once")


def test_a_chord_without_a_common_period_is_as_noise(tmp_path) -> None:
    heard = hear_recording(AudioBlocks(written(tmp_path, chord((0, 3, 6, 9)))))
    assert heard.doubt.startswith("hardly any pitch is heard in it (noise, or many notes at once?)")


@pytest.mark.parametrize("pitches", [[57], [57, 60, 64, 67, 69, 72], [40, 41, 43], [84, 86]])
def test_lines_are_not_doubted(tmp_path, pitches) -> None:
    heard = hear_recording(AudioBlocks(written(tmp_path, voice(pitches))))
    assert heard.doubt == ""
    assert blurred_share(heard.melody) < 0.1
    assert pitched_share(heard.melody) > 0.9


def test_noise_is_followed_in_loudness_alone_and_that_is_said(tmp_path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 48000).astype(np.float32)
    made = transfer(
        written(tmp_path, noise), Following(register=HIGH), TIMBRE, tmp_path / "out.wav"
    )
    assert made.doubt.startswith("hardly any pitch is heard in it")
    assert made.fit.octaves == 0


def test_what_cannot_be_followed_leaves_no_file(tmp_path) -> None:
    source, out = written(tmp_path, voice([60])), tmp_path / "out.wav"
    soft = written(tmp_path, voice([60], level=1e-4), name="soft.wav")
    with pytest.raises(BadAudio, match=r"soft\.wav is silent \(its peak"):
        transfer(soft, Following(), TIMBRE, out)
    with pytest.raises(Unsupported, match="decaying cannot follow a recording: it can render, ben"):
        transfer(source, Decaying(), TIMBRE, out)
    with pytest.raises(BadInput, match="no control 'gain': this instrument has harmonic_gain"):
        transfer(source, Following(), TIMBRE, out, Manner(controls={"gain": 1.0}))
    assert not out.exists()


def test_an_interrupted_transfer_leaves_no_file(tmp_path) -> None:
    def interrupt(what: str, done: float, total: float) -> None:
        if what == "playing" and done > 0.3:
            raise KeyboardInterrupt

    source = written(tmp_path, voice([60, 64]))
    with pytest.raises(KeyboardInterrupt):
        transfer(source, Following(), TIMBRE, tmp_path / "out.wav", progress=interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["voice.wav"]


def test_a_follower_is_heard_for_as_long_as_anything_may_ring() -> None:
    silence = Performance(torch.zeros(200), torch.full((200,), -120.0), torch.zeros(200), 200.0)
    for instrument in (Following(), Following(abilities={"transfer"})):
        length = sum(len(block) for block in following(instrument, silence, TIMBRE))
        assert length == (200 + 6 * 200 - 1) * 80  # from the first frame to the last


@pytest.mark.parametrize("rate", [16000, 22050])
def test_a_ddsp_is_told_what_it_would_be_asked_as_a_whole(rate) -> None:
    from timbrel.instruments.ddsp import Ddsp, DdspSettings

    model = Ddsp(DdspSettings(size="tiny", sample_rate=rate, latent=0, reverb_s=0.2))
    timbre = model.timbre_space.project(torch.zeros(model.timbre_space.size))
    sound = torch.from_numpy(voice([60, 64, 67], rate))
    heard = follow(sound, rate)
    told = np.concatenate(list(following(model, heard, timbre, {"noise_gain": -6.0})))
    model.abilities = model.abilities - {"follow"}
    whole = np.concatenate(list(following(model, heard, timbre, {"noise_gain": -6.0})))
    assert len(told) == len(whole) > 7 * rate
    np.testing.assert_allclose(told, whole, atol=1e-5)
