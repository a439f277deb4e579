"""Short-time Fourier transform and back, in librosa's conventions.

Frames are centred: frame t is the window around sample t * hop_length, the ends padded with
silence, so a signal of n samples has 1 + n // hop_length frames.
"""

from __future__ import annotations

import torch
from jaxtyping import Complex, Float
from torch import Tensor


def stft(
    audio: Float[Tensor, "*batch time"], n_fft: int, hop_length: int, win_length: int | None = None
) -> Complex[Tensor, "*batch bins frames"]:
    """Complex spectra under a periodic Hann window of `win_length` samples, by default `n_fft`.

    >>> stft(torch.zeros(2, 16000), 1024, 256).shape
    torch.Size([2, 513, 63])
    """
    flat = audio.reshape(-1, audio.shape[-1])
    window = torch.hann_window(win_length or n_fft, dtype=audio.dtype, device=audio.device)
    spectra = torch.stft(
        flat, n_fft, hop_length, win_length, window=window, center=True, pad_mode="constant",
        return_complex=True,
    )  # fmt: skip
    return spectra.reshape(*audio.shape[:-1], *spectra.shape[-2:])


def istft(
    spectra: Complex[Tensor, "*batch bins frames"], hop_length: int, length: int | None = None
) -> Float[Tensor, "*batch time"]:
    """Audio of complex spectra: the least-squares inverse, exact for those that `stft` made.

    >>> audio = torch.randn(16000)
    >>> bool((istft(stft(audio, 1024, 256), 256, 16000) - audio).abs().max() < 1e-5)
    True
    """
    flat = spectra.reshape(-1, *spectra.shape[-2:])
    n_fft = 2 * (spectra.shape[-2] - 1)
    window = torch.hann_window(n_fft, dtype=flat.real.dtype, device=flat.device)
    audio = torch.istft(flat, n_fft, hop_length, window=window, center=True, length=length)
    return audio.reshape(*spectra.shape[:-2], audio.shape[-1])
