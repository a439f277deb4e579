from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from timbrel.dsp.stft import istft, stft


@pytest.mark.parametrize(
    ("n_fft", "hop_length", "win_length"), [(1024, 256, None), (512, 100, None), (1024, 256, 400)]
)
def test_spectra_are_librosas(n_fft: int, hop_length: int, win_length: int | None) -> None:
    audio = torch.randn(5000)
    ours = stft(audio, n_fft, hop_length, win_length).numpy()
    theirs = librosa.stft(audio.numpy(), n_fft=n_fft, hop_length=hop_length, win_length=win_length)
    assert ours.shape == theirs.shape == (n_fft // 2 + 1, 1 + 5000 // hop_length)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("length", [1, 255, 256, 5000])
@pytest.mark.parametrize("hop_length", [100, 256])
def test_audio_comes_back(length: int, hop_length: int) -> None:
    audio = torch.randn(2, 3, length)
    again = istft(stft(audio, 1024, hop_length), hop_length, length)
    assert again.shape == audio.shape
    assert float((again - audio).abs().max()) <= 1e-5


def test_energy_is_kept() -> None:
    """Parseval under a Hann window at a quarter: the mean of sum w^2 is 3/8 n_fft / hop = 1.5."""
    audio = torch.randn(64000)
    power = stft(audio, 1024, 256).abs().square()
    power[1:-1] *= 2
    assert float(power.sum() / 1024 / 1.5) == pytest.approx(float(audio.square().sum()), rel=0.01)


def test_a_batch_equals_its_sounds_alone() -> None:
    audio = torch.randn(2, 3, 2000)
    together = stft(audio, 256, 64)
    assert together.shape == (2, 3, 129, 32)
    torch.testing.assert_close(together[1, 2], stft(audio[1, 2], 256, 64))
