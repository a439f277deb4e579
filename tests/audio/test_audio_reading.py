"""Files in, tensors out: levels, rates, channels; and one line for everything that is no audio."""

from __future__ import annotations

import contextlib
import math
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from timbrel.audio import (
    probe,
    read_audio,
    read_channels,
    require_note,
    require_sound,
    write_audio,
)
from timbrel.errors import BadAudio


def tone(frequency_hz: float, seconds: float, sample_rate: int, level: float = 0.5) -> torch.Tensor:
    times_s = torch.arange(round(seconds * sample_rate), dtype=torch.float64) / sample_rate
    return (level * torch.sin(2 * math.pi * frequency_hz * times_s)).float()


@pytest.mark.parametrize("sample_rate", [8000, 16000, 22050, 48000, 96000])
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_tone_keeps_its_frequency_and_level_at_the_wanted_rate(tmp_path, sample_rate, suffix):
    path = write_audio(tmp_path / f"a{suffix}", tone(1000.0, 1.0, sample_rate), sample_rate)
    heard = read_audio(path, 16000)
    assert heard.shape == (16000,)
    difference = (heard - tone(1000.0, 1.0, 16000))[800:-800]
    assert difference.abs().max() < 2e-3


@pytest.mark.parametrize("format_and_subtype", [
    ("OGG", "VORBIS", 0.05), ("MP3", "MPEG_LAYER_III", 0.05), ("AIFF", "PCM_16", 1e-4),
    ("WAV", "PCM_U8", 1e-2), ("WAV", "DOUBLE", 1e-6), ("WAV", "ULAW", 0.05),
])  # fmt: skip
def test_other_formats_are_read(tmp_path, format_and_subtype):
    kind, subtype, tolerance = format_and_subtype
    written = tone(440.0, 1.0, 44100)
    path = tmp_path / "sound"
    soundfile.write(path, written.numpy(), 44100, subtype, format=kind)
    heard, sample_rate = read_channels(path)
    assert sample_rate == 44100
    middle = slice(10000, 30000)
    spectrum = torch.fft.rfft(heard[0, middle] * torch.hann_window(20000)).abs()
    assert abs(int(spectrum.argmax()) * 44100 / 20000 - 440.0) < 2.3
    assert abs(heard[0, middle].abs().max() - 0.5) < tolerance


def test_mono_is_the_mean_of_all_channels(tmp_path):
    channels = torch.stack([tone(500.0, 0.2, 16000) * gain for gain in (1.0, 0.5, 0.0)])
    write_audio(tmp_path / "a.wav", channels, 16000)
    assert read_channels(tmp_path / "a.wav")[0].shape == (3, 3200)
    torch.testing.assert_close(read_audio(tmp_path / "a.wav", 16000), channels.mean(0))


def test_channels_that_cancel_out_are_heard_as_the_loudest(tmp_path):
    sound = tone(500.0, 0.2, 16000)
    write_audio(tmp_path / "a.wav", torch.stack([sound, -sound]), 16000)
    heard = read_audio(tmp_path / "a.wav", 16000)
    torch.testing.assert_close(heard, sound, atol=1e-4, rtol=0)


def test_probe_tells_rate_channels_and_length_without_reading(tmp_path):
    write_audio(tmp_path / "a.flac", torch.zeros(2, 24000), 48000)
    info = probe(tmp_path / "a.flac")
    assert (info.sample_rate, info.channels, info.frames, info.format) == (48000, 2, 24000, "FLAC")
    assert info.duration_s == 0.5


def write_cut(path: Path, kind: str) -> None:
    noise = np.random.default_rng(0).normal(size=32000) * 0.1
    soundfile.write(path, noise, 16000, format=kind)
    path.write_bytes(path.read_bytes()[:30000])


BAD_FILES = {
    "missing": lambda path: None,
    "folder": Path.mkdir,
    "empty": Path.touch,
    "text": lambda path: path.write_text("this is a shopping list\n" * 50),
    "no samples": lambda path: soundfile.write(path, np.zeros(0), 16000),
    "nan": lambda path: soundfile.write(path, np.array([0] * 8000 + [np.nan]), 16000, "FLOAT"),
    "infinite": lambda path: soundfile.write(path, np.full(100, np.inf), 16000, "FLOAT"),
    "overflowing": lambda path: soundfile.write(path, np.full(100, 1e30), 16000, "FLOAT"),
    "odd rate": lambda path: soundfile.write(path, np.zeros(100), 7),
    "cut wav": lambda path: write_cut(path, "WAV"),
    "cut aiff": lambda path: write_cut(path, "AIFF"),
    "cut flac": lambda path: write_cut(path, "FLAC"),
}


@pytest.mark.parametrize(("kind", "message"), [
    ("missing", r"no audio file at .*bad\.wav: check the path"),
    ("folder", r"bad\.wav is a folder: give one file \(WAV, FLAC, OGG, MP3 or AIFF\)"),
    ("empty", r"bad\.wav is empty \(0 bytes\): give WAV"),
    ("text", r"bad\.wav is not audio that can be read: give WAV"),
    ("no samples", r"bad\.wav holds no samples: give a recording"),
    ("nan", r"bad\.wav holds NaN or infinity \(first at 0\.500 s\), full scale is 1"),
    ("infinite", r"holds NaN or infinity \(first at 0\.000 s\)"),
    ("overflowing", r"holds levels over 10000"),
    ("odd rate", r"bad\.wav: a sample rate of 7 Hz is outside 1000 to 768000"),
    ("cut wav", r"bad\.wav is cut short, its header promises more"),
    ("cut aiff", r"bad\.wav is cut short, its header promises more"),
    ("cut flac", r"bad\.wav is damaged or cut short"),
])  # fmt: skip
def test_a_bad_file_ends_in_one_line_that_says_what_to_do(tmp_path, kind, message):
    BAD_FILES[kind](tmp_path / "bad.wav")
    with pytest.raises(BadAudio, match=message) as caught:
        read_audio(tmp_path / "bad.wav", 16000)
    assert "\n" not in str(caught.value)


def test_a_file_too_long_is_refused_by_its_header(tmp_path):
    path = tmp_path / "long.wav"
    size = 3600 * 44100 * 2
    header = b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt "
    header += (
        struct.pack("<IHHIIHH", 16, 1, 1, 44100, 88200, 2, 16) + b"data" + struct.pack("<I", size)
    )
    path.write_bytes(header)
    os.truncate(path, size + 44)  # a sparse file: nothing is stored, and nothing must be read
    with pytest.raises(
        BadAudio, match=r"has 60 min of 1 channels at 44100 Hz, the longest .* 30 min"
    ):
        read_audio(path, 16000)


def test_a_streamed_wav_of_unknown_length_is_read(tmp_path):
    path = write_audio(tmp_path / "a.wav", tone(440.0, 0.5, 16000), 16000, "pcm16")
    data = bytearray(path.read_bytes())
    place = data.index(b"data") + 4
    data[4:8] = data[place : place + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    assert read_audio(path, 16000).shape == (8000,)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kind=st.sampled_from(["WAV", "FLAC", "AIFF", "OGG"]),
       cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
       keep=st.floats(0, 1))  # fmt: skip
def test_damaged_files_are_read_or_refused_but_never_crash(tmp_path, kind, cuts, keep):
    path = tmp_path / "damaged"
    soundfile.write(path, tone(440.0, 0.1, 16000).numpy(), 16000, format=kind)
    data = bytearray(path.read_bytes())
    for place, value in cuts:
        data[min(int(place * len(data)), len(data) - 1)] = value
    path.write_bytes(data[: int(keep * len(data))])
    with contextlib.suppress(BadAudio):
        assert read_audio(path, 16000).isfinite().all()


@pytest.mark.parametrize(("audio", "message"), [
    (torch.zeros(0), r"a\.wav has 0 samples \(0\.0 ms\), at least 20 ms are needed"),
    (torch.ones(1), r"a\.wav has 1 samples \(0\.1 ms\)"),
    (torch.zeros(16000), r"a\.wav is silent \(digital silence\): give a recording"),
    (torch.full((16000,), 1e-4), r"a\.wav is silent \(its peak is -80 dB\)"),
    (torch.full((16000,), math.nan), r"a\.wav holds NaN or infinity"),
])  # fmt: skip
def test_require_sound_refuses_what_no_timbre_can_be_heard_in(audio, message):
    with pytest.raises(BadAudio, match=message):
        require_sound(audio, 16000, name="a.wav")


@pytest.mark.parametrize(("audio", "got"), [
    (torch.zeros(1, 16000), r"torch\.float32 of \[1, 16000\]"),
    (torch.tensor(0.5), r"torch\.float32 of \[\]"),
    (torch.ones(16000, dtype=torch.int16), r"torch\.int16 of \[16000\]"),
    (np.ones(16000, np.float32), "ndarray"),
    (None, "NoneType"),
])  # fmt: skip
def test_require_note_wants_one_channel_of_floats(audio, got):
    with pytest.raises(BadAudio, match=rf"^the sound is {got}, wanted a tensor \[time\] of floats"):
        require_note(audio, 16000)


def test_require_note_gives_single_precision_without_a_gradient():
    audio = require_note(tone(440.0, 0.1, 16000).double().requires_grad_(), 16000)
    assert (audio.dtype, audio.requires_grad) == (torch.float32, False)


def test_require_sound_passes_sound_on():
    audio = tone(440.0, 0.1, 16000, level=1e-3)
    assert require_sound(audio, 16000) is audio


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(BadAudio, match=r"a\.wav is a pipe or a device: write it to a file"):
        read_audio(tmp_path / "a.wav", 16000)


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="names are Unicode there")
def test_a_name_that_is_no_text_is_read_and_written(tmp_path):
    path = tmp_path / os.fsdecode(b"\xff\xfe.wav")
    write_audio(path, tone(440.0, 0.1, 16000), 16000)
    assert len(read_audio(path, 16000)) == 1600
