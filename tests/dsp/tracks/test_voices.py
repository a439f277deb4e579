"""The compiled kernel, held to the definition, whole and in blocks."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from timbrel.dsp.tracks import Tracks, render_tracks, silence, synthesise
from timbrel.dsp.tracks.state import FADE_S
from timbrel.dsp.tracks.voices import TrackVoices

BLOCKS = [1, 64, 65, 128, 512, 513]


def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def plain(curve: torch.Tensor) -> np.ndarray:
    return curve.numpy()


def begun(notes: Tracks, sample_rate: int, **options: int) -> TrackVoices:
    """A voice for each note, begun with its number as the take."""
    voices = TrackVoices(
        len(notes.f0_hz), sample_rate,
        n_harmonics=notes.n_harmonics, n_bands=notes.n_bands, **options,
    )  # fmt: skip
    for voice in range(len(notes.f0_hz)):
        voices.begin(
            voice, offset=plain(notes.offset[voice]), noise_start=1000 * voice,
            transient_db=plain(notes.transient_db[voice]),
        )  # fmt: skip
    return voices


def give(voices: TrackVoices, notes: Tracks, until: int | None = None) -> None:
    """All frames up to one, to every voice."""
    rows = np.arange(len(notes.f0_hz))
    span = slice(int(voices.pushed[0]), until)
    curves = (notes.f0_hz[:, span], notes.harmonic_db[:, span], notes.noise_db[:, span])
    voices.push(rows, *(plain(curve) for curve in curves))


@pytest.mark.parametrize("rate", [16000, 22050, 44100, 48000])
@pytest.mark.parametrize("hear", ["all", "harmonic"])
@pytest.mark.parametrize("length", [None, 79, 20000])
def test_the_kernel_is_the_definition(random_notes, rate, hear, length):
    start, noise_start = torch.rand(3, 12), torch.tensor([0, 7, 10**9])
    options = {"length": length, "start": start, "noise_start": noise_start, "hear": hear}
    fast = render_tracks(random_notes, rate, **options)
    assert (fast - synthesise(random_notes, rate, **options)).abs().max() < 2e-5


@pytest.mark.parametrize("cycles_per_sample", [0.0005, 0.11, 0.25, 0.47])
def test_one_loud_partial_is_exact_at_any_frequency(cycles_per_sample):
    """Single precision is worst for a partial of full scale just below Nyquist."""
    f0_hz = torch.tensor(48000 * cycles_per_sample)
    note = silence(frames=801, harmonics=1, bands=1)
    note = replace(note, f0_hz=f0_hz.expand(801), harmonic_db=torch.zeros(801, 1))
    time = np.arange(192000) / 48000
    expected = np.sin(2 * np.pi * f0_hz.double().item() * time)
    assert np.abs(render_tracks(note, 48000).numpy() - expected).max() < 2e-5


def test_silence_is_exactly_zero():
    note = silence(2, frames=41, harmonics=20, bands=40)
    assert render_tracks(note, 16000).abs().max() == 0
    loud = replace(note, harmonic_db=torch.zeros(2, 41, 20), f0_hz=torch.full((2, 41), torch.nan))
    assert render_tracks(loud, 16000).abs().max() == 0


@pytest.mark.parametrize("frame_rate", [3.0, 100.0, 441.0])
def test_any_frame_rate(random_notes, frame_rate):
    notes = replace(random_notes, frame_rate=frame_rate)
    fast = render_tracks(notes, 16000, length=16000)
    assert (fast - synthesise(notes, 16000, length=16000)).abs().max() < 2e-5


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("block", [*BLOCKS, 0])
def test_blocks_of_any_size_are_the_whole(random_notes, rate, block):
    takes = 1000 * torch.arange(3)
    whole = render_tracks(random_notes, rate, noise_start=takes, length=rate // 4).sum(0)
    voices, draw = begun(random_notes, rate), rng()
    give(voices, random_notes)
    audio, done = np.zeros(rate // 4, np.float32), 0
    while done < len(audio):
        length = block or int(draw.integers(1, 700))
        voices.process(audio[done : done + length])
        done += length
    assert np.abs(audio - whole.numpy()).max() < 1e-6


@pytest.mark.parametrize("rate", [16000, 44100])
@pytest.mark.parametrize("block", [64, 65, 513])
def test_frames_may_come_just_in_time(random_notes, rate, block):
    """What `missing` asks for is enough, and no more than a block's worth ahead."""
    takes = 1000 * torch.arange(3)
    length = int(0.2 * rate)
    whole = render_tracks(random_notes, rate, noise_start=takes, length=length).sum(0)
    voices = begun(random_notes, rate, ahead=16)
    audio = np.zeros(length, np.float32)
    for done in range(0, length, block):
        piece = audio[done : done + block]
        short = voices.missing(len(piece)).copy()
        give(voices, random_notes, until=int(voices.pushed[0] + short[0]))
        assert voices.missing(len(piece)).max() == 0 or voices.pushed[0] == 41
        assert voices.pushed[0] <= (done + len(piece)) * 200 / rate + 2
        voices.process(piece)
    assert np.abs(audio - whole.numpy()).max() < 1e-6


def test_a_voice_that_waits_for_frames_holds_and_does_not_click():
    note = silence(1, frames=41, harmonics=1, bands=1)
    note = replace(note, f0_hz=torch.full((1, 41), 250.0), harmonic_db=torch.zeros(1, 41, 1))
    voices = begun(note, 16000)
    give(voices, note, until=5)
    audio = np.zeros(8000, np.float32)
    voices.process(audio[:4000])
    give(voices, replace(note, harmonic_db=note.harmonic_db - 60), until=20)
    voices.process(audio[4000:])
    assert np.abs(audio[:4000] - np.sin(np.pi / 32 * np.arange(4000))).max() < 1e-5
    assert np.abs(np.diff(audio)).max() < 1.05 * np.pi / 32
    assert np.abs(audio[4200:]).max() == pytest.approx(1e-3, rel=0.01)


def test_an_ended_voice_fades_and_is_free_for_the_next(random_notes):
    rate, at = 16000, 1001
    voices = begun(random_notes, rate)
    give(voices, random_notes)
    whole = render_tracks(random_notes, rate, noise_start=1000 * torch.arange(3)).numpy()
    audio = np.zeros(3000, np.float32)
    voices.process(audio[:at])
    voices.end(1)
    assert voices.sounding.tolist() == [True, True, True]
    voices.process(audio[at:])
    assert voices.sounding.tolist() == [True, False, True]
    fade = np.clip(1 - (np.arange(3000) - at) / (FADE_S * rate), 0, 1)
    expected = whole[0, :3000] + whole[2, :3000] + whole[1, :3000] * fade
    assert np.abs(audio - expected).max() < 1e-6
    voices.begin(1)
    assert voices.age.tolist() == [3000, 0, 3000]
    assert voices.pushed.tolist() == [41, 0, 41]


def test_a_begun_voice_without_frames_waits_in_silence():
    voices = TrackVoices(2, 16000, n_harmonics=3, n_bands=40)
    voices.begin(0)
    audio = np.zeros(500, np.float32)
    voices.process(audio)
    assert np.abs(audio).max() == 0
    assert voices.age.tolist() == [0, 0]
    assert voices.missing(160).tolist() == [3, 0]


def test_frames_without_room_are_dropped(random_notes):
    voices = begun(random_notes, 16000, ahead=8)
    give(voices, random_notes)
    assert voices.pushed.tolist() == [9, 9, 9]
    voices.process(np.zeros(160, np.float32))
    give(voices, random_notes)
    assert voices.pushed.tolist() == [10, 10, 10]


def test_playing_allocates_nothing(random_notes):
    voices = begun(random_notes, 16000)
    give(voices, random_notes)
    audio = np.zeros(64, np.float32)
    voices.process(audio)
    voices.missing(64)
    tracemalloc.start()
    try:
        for _ in range(200):
            voices.missing(64)
            voices.process(audio)
        assert tracemalloc.get_traced_memory()[1] < 20_000
    finally:
        tracemalloc.stop()
