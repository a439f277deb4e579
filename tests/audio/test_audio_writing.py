"""Files are written whole or not at all, and never clip in silence."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soundfile
import soxr
import torch

from timbrel.audio import AudioWriter, read_channels, resample, write_audio
from timbrel.errors import BadAudio, BadInput


def noise(channels: int, length: int) -> torch.Tensor:
    return torch.rand(channels, length, generator=torch.Generator().manual_seed(1)) * 1.8 - 0.9


@pytest.mark.parametrize(("name", "encoding", "tolerance"), [
    ("a.wav", None, 0.0), ("a.wav", "pcm16", 1.6e-5), ("a.wav", "pcm24", 6.1e-8),
    ("a.flac", None, 6.1e-8), ("a.FLAC", "pcm16", 1.6e-5),
])  # fmt: skip
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_what_is_written_is_read_again(tmp_path, name, encoding, tolerance, channels):
    audio = noise(channels, 1000)
    assert write_audio(tmp_path / name, audio, 22050, encoding) == tmp_path / name
    heard, sample_rate = read_channels(tmp_path / name)
    assert sample_rate == 22050
    # twice the half step: libsndfile scales by 2^(bits-1) and rounds
    assert (heard - audio).abs().max() <= 2 * tolerance


def test_float_wav_keeps_levels_above_full_scale(tmp_path):
    write_audio(tmp_path / "a.wav", torch.tensor([0.0, 3.5, -7.0]), 16000)
    assert read_channels(tmp_path / "a.wav")[0].tolist() == [[0.0, 3.5, -7.0]]


def test_a_peak_over_full_scale_is_told_once(tmp_path, caplog):
    with AudioWriter(tmp_path / "a.wav", 16000) as writer:
        for peak in (0.5, -2.0, 1.5):
            writer.write(torch.tensor([peak]))
    (record,) = caplog.records
    line = "a.wav: the peak is 6.0 dB over full scale, where players clip: divide by 2"
    assert record.getMessage() == f"{tmp_path}/{line}"
    write_audio(tmp_path / "b.wav", torch.tensor([1.0, -1.0]), 16000)
    assert len(caplog.records) == 1


def test_blocks_of_any_size_make_the_same_file(tmp_path):
    audio = noise(2, 5000)
    for size in (1, 64, 65, 5000):
        with AudioWriter(tmp_path / "blocks.wav", 16000, 2) as writer:
            for block in audio.split(size, dim=1):
                writer.write(block)
        assert torch.equal(read_channels(tmp_path / "blocks.wav")[0], audio)


def test_missing_folders_are_made(tmp_path):
    write_audio(tmp_path / "new" / "folder" / "a.wav", noise(1, 10), 16000)
    assert (tmp_path / "new" / "folder" / "a.wav").is_file()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_an_interrupted_writer_leaves_the_old_file_and_nothing_else(tmp_path, interruption):
    path = write_audio(tmp_path / "a.wav", torch.zeros(10), 16000)
    before = path.read_bytes()

    def interrupted() -> None:
        with AudioWriter(path, 16000) as writer:
            writer.write(torch.ones(5))
            raise interruption

    with pytest.raises(interruption):
        interrupted()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "audio", "sample_rate", "encoding", "message"), [
    ("a.mp3", torch.zeros(9), 16000, None, r"a\.mp3 ends in '\.mp3': end it in \.wav or \.flac"),
    ("a", torch.zeros(9), 16000, None, r"a ends in no extension: end it in"),
    ("a.flac", torch.ones(9) * 1.3, 16000, None, r"the peak 1\.30 would clip: use \.wav"),
    ("a.flac", torch.zeros(9), 16000, "float", r"FLAC holds no float at 16000 Hz: use \.wav"),
    ("a.wav", torch.tensor([math.nan]), 16000, None, r"to write holds NaN or infinity"),
    ("a.wav", torch.tensor([-math.inf, 1.0]), 16000, None, r"to write holds NaN or infinity"),
    ("a.wav", torch.zeros(9), 0, None, r"sample rate of 0 Hz is outside"),
    ("a.flac", torch.zeros(9, 9), 16000, None, r"FLAC cannot hold 9 channels"),
])  # fmt: skip
def test_what_cannot_be_written_is_one_line_and_no_file(
    tmp_path, name, audio, sample_rate, encoding, message
):
    with pytest.raises(BadAudio, match=message):
        write_audio(tmp_path / name, audio, sample_rate, encoding)
    assert list(tmp_path.iterdir()) == []


def test_blocks_must_have_the_channels_that_were_announced(tmp_path):
    with (
        pytest.raises(BadAudio, match=r"a block of 1 channels, wanted 2"),
        AudioWriter(tmp_path / "a.wav", 16000, 2) as writer,
    ):
        writer.write(torch.zeros(10))


def test_a_wav_over_four_gigabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("timbrel.audio.writing._LARGEST_WAV", 100)
    with pytest.raises(BadAudio, match=r"would grow over 4 GB, too much for WAV: use \.flac"):
        write_audio(tmp_path / "a.wav", torch.zeros(26), 16000)


def test_an_unwritable_folder_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"cannot write .*a\.wav \(.+\): choose another folder"):
        write_audio(tmp_path / "file" / "a.wav", torch.zeros(9), 16000)
    with pytest.raises(BadInput, match=r"is a folder: give the name of a file to write"):
        write_audio(make_folder(tmp_path / "b.wav"), torch.zeros(9), 16000)


def make_folder(path):
    path.mkdir()
    return path


@pytest.mark.parametrize(("from_rate", "to_rate"), [(44100, 16000), (16000, 44100), (8000, 7919)])
def test_resampling_agrees_with_soxr_at_its_best(from_rate, to_rate):
    audio = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 3, from_rate)) * 0.1).float()
    got = resample(audio, from_rate, to_rate)
    assert got.shape == (2, 3, to_rate)
    best = soxr.resample(audio[1, 2].double().numpy(), from_rate, to_rate, quality="VHQ")
    error = got[1, 2].double() - torch.from_numpy(best)
    # the two qualities differ only in the last few percent below Nyquist
    assert error.std() < 0.02


def test_resampling_removes_what_the_lower_rate_cannot_hold():
    high = torch.sin(torch.arange(48000, dtype=torch.float64) * (math.pi / 2 * 0.99)).float()
    assert resample(high, 48000, 16000)[500:-500].abs().max() < 1e-4


@pytest.mark.parametrize("length", [0, 1, 2, 7])
def test_resampling_handles_next_to_nothing(length):
    assert resample(torch.ones(length), 16000, 48000).shape == (3 * length,)


def test_equal_rates_change_nothing():
    audio = noise(2, 100)
    assert resample(audio, 16000, 16000) is audio


def test_soundfile_agrees_on_the_header(tmp_path):
    write_audio(tmp_path / "a.wav", noise(2, 100), 44100)
    info = soundfile.info(tmp_path / "a.wav")
    assert (info.samplerate, info.channels, info.frames, info.subtype) == (44100, 2, 100, "FLOAT")


def test_a_name_that_no_system_can_have_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"cannot write .*null byte"):
        write_audio(tmp_path / "a\0.wav", torch.ones(9), 16000)
