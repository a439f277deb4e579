"""The spectral loss: by a second implementation, and where it is asked for too much."""

import numpy as np
import pytest
import torch

from timbrel.training.ddsp.multi_resolution import WINDOWS_S, multi_resolution_loss, some_windows

RATE = 16000


def by_librosa(audio: np.ndarray, target: np.ndarray, n_fft: int) -> float:
    import librosa

    got, wanted = (
        np.abs(librosa.stft(x, n_fft=n_fft, hop_length=n_fft // 4, pad_mode="constant"))
        for x in (audio, target)
    )
    level = np.sqrt(np.mean(wanted**2))
    got, wanted = got / level, wanted / level
    return float(
        np.abs(got - wanted).mean() + np.abs(np.log(got + 1e-3) - np.log(wanted + 1e-3)).mean()
    )


@pytest.mark.parametrize("window_s", WINDOWS_S)
def test_it_is_what_librosa_says(window_s):
    audio, target = torch.randn(2, 1, 8000)
    ours = float(multi_resolution_loss(audio, target, RATE, (window_s,)))
    n_fft = round(window_s * RATE)
    assert ours == pytest.approx(by_librosa(audio[0].numpy(), target[0].numpy(), n_fft), rel=1e-3)


def test_nearer_is_less_and_the_same_is_nothing():
    target = torch.randn(2, 8000)
    losses = [float(multi_resolution_loss(target * gain, target, RATE)) for gain in (1, 1.1, 2, 8)]
    assert losses[0] == 0
    assert losses == sorted(losses)


def test_soft_passages_teach_as_much_as_loud_ones():
    audio, target = torch.randn(2, 1, 8000)
    loud, soft = (multi_resolution_loss(g * audio, g * target, RATE) for g in (1.0, 0.01))
    assert float(soft) == pytest.approx(float(loud), rel=0.01)


def test_silence_has_finite_gradients():
    audio = torch.zeros(1, 4000, requires_grad=True)
    multi_resolution_loss(audio, torch.zeros(1, 4000), RATE).backward()
    assert torch.isfinite(audio.grad).all()


def test_some_windows_are_drawn_evenly():
    generator = torch.Generator().manual_seed(0)
    drawn = [w for _ in range(600) for w in some_windows(2, generator)]
    assert all(abs(drawn.count(window_s) - 200) < 50 for window_s in WINDOWS_S)
