"""Crops of phrases: sound and melody of the same place, and whose they are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from timbrel.audio import write_audio
from timbrel.data.phrases.phrase_set import PhraseSet
from timbrel.errors import BadInput
from timbrel.training.ddsp.phrase_crops import PhraseCropSet

RATE = 16000


def glide(seconds: float, low_hz: float) -> torch.Tensor:
    """An octave up, in seconds."""
    time_s = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    f0_hz = low_hz * 2 ** (time_s / seconds)
    return (0.3 * (2 * torch.pi * f0_hz.cumsum(0) / RATE).sin()).float()


@pytest.fixture
def crops(tmp_path: Path) -> PhraseCropSet:
    for name, low_hz in (("low", 110.0), ("high", 440.0)):
        (tmp_path / name).mkdir()
        for number in range(2):
            write_audio(tmp_path / name / f"{number}.wav", glide(2.0, low_hz), RATE)
    sets = [PhraseSet.open(tmp_path / name) for name in ("low", "high")]
    return PhraseCropSet(sets, RATE, 0.25)


def highest_hz(sound: torch.Tensor) -> float:
    power = torch.fft.rfft(sound * torch.hann_window(len(sound))).abs().square()
    return float(torch.fft.rfftfreq(len(sound), 1 / RATE)[power.argmax()])


def test_melody_and_sound_are_of_the_same_place(crops):
    batch = crops.batch(torch.arange(len(crops)), torch.Generator().manual_seed(0))
    assert batch.audio.shape == batch.heard.shape == (len(crops), 4000)
    assert batch.asked.f0_hz.shape == (len(crops), 51)
    for sound, f0_hz in zip(batch.audio, batch.asked.f0_hz, strict=True):
        assert highest_hz(sound) == pytest.approx(float(f0_hz[25]), rel=0.03)


def test_who_plays_is_heard_in_another_crop_of_the_same_instrument(crops):
    batch = crops.batch(torch.arange(len(crops)), torch.Generator().manual_seed(0))
    for sound, heard in zip(batch.audio, batch.heard, strict=True):
        assert (highest_hz(sound) > 330) == (highest_hz(heard) > 330)
    assert not torch.equal(batch.audio, batch.heard)


def test_a_batch_is_a_function_of_its_arguments(crops):
    one, two = (crops.batch(torch.tensor([3, 5]), torch.Generator().manual_seed(7)) for _ in "ab")
    assert torch.equal(one.audio, two.audio)
    assert torch.equal(one.asked.f0_hz, two.asked.f0_hz)
    assert torch.equal(one.heard, two.heard)


def test_phrases_that_are_too_short_are_said(tmp_path: Path):
    write_audio(tmp_path / "a.wav", glide(0.2, 220.0), RATE)
    with pytest.raises(BadInput, match=r"no phrase is longer than 1 s"):
        PhraseCropSet([PhraseSet.open(tmp_path)], RATE, 1.0)
