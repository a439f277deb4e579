"""Audio of a mel spectrogram whose pitch is known: exact, and the fastest of the three ways.

    mel power, f0 --> levels of the harmonics ---+--> oscillators --+
                  --> stray partials between ----+                  +--> attacks sharpened --> audio
                  --> what is left over ------------> noise --------+

80 bands cannot hold a pitch: phases guessed from them wander by a quarter tone. Here it is given,
and only levels are read from the mel.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.inversion.attack import bins_of_bands, sharpening
from timbrel.dsp.inversion.heap import pghi
from timbrel.dsp.inversion.magnitude import mel_to_magnitude
from timbrel.dsp.inversion.partials import find_strays, lines_of, read_partials
from timbrel.dsp.mel import MelScale
from timbrel.dsp.oscillators import harmonic_bank
from timbrel.dsp.stft import istft

_STEADY = 0.005
_OVERLAP_LOSS = 4.0
"""Hann frames of independent phase, a quarter apart, add up to this much less power."""


def pitched(
    power: Float[Tensor, "*batch mels frames"],
    scale: MelScale,
    f0_hz: Float[Tensor, "*batch frames"],
    *,
    length: int | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "*batch time"]:
    """Audio with these mel powers and exactly this fundamental.

    Args:
        power: mel power as `mel_power` returns it.
        scale: what it was measured with.
        f0_hz: fundamental in each frame; 0 or NaN where there is none: all is noise there. A note
            with no pitch in any frame falls to `pghi`.
        length: samples to return; by default hop_length * (frames - 1).
        generator: of the noise and of the partials' phases; by default each note's own, seeded by
            its pitch, so that a batch equals its singles and two notes do not hiss alike.

    >>> pitched(torch.rand(3, 80, 63), MelScale(), torch.full((3, 63), 220.0)).shape
    torch.Size([3, 15872])
    """
    *batch, n_mels, n_frames = power.shape
    length = scale.hop_length * (n_frames - 1) if length is None else length
    mels = power.detach().cpu().float().reshape(-1, n_mels, n_frames)
    curves = f0_hz.detach().cpu().double().nan_to_num(0.0).clamp_min(0.0).reshape(-1, n_frames)
    audio = torch.zeros(len(mels), length)
    for row, mel, f0 in zip(audio, mels, curves, strict=True):
        row += _one_note(mel, scale, f0, length, generator)
    return audio.reshape(*batch, length).to(power)


def shaped_noise(
    power: Float[Tensor, "*batch mels frames"],
    scale: MelScale,
    length: int,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "*batch time"]:
    """Gaussian noise whose expected mel power is `power`.

    >>> shaped_noise(torch.ones(80, 63), MelScale(), 15872).shape
    torch.Size([15872])
    """
    level = (bins_of_bands(scale).to(power) @ power).clamp_min(0).mul(_OVERLAP_LOSS / 2).sqrt()
    random = torch.randn(*level.shape, 2, generator=generator)
    return istft(torch.view_as_complex(random).to(power.device) * level, scale.hop_length, length)


def _one_note(
    mel: Tensor, scale: MelScale, f0_hz: Tensor, length: int, generator: torch.Generator | None
) -> Tensor:
    voiced = f0_hz[f0_hz > 0]
    if not len(voiced):
        magnitude = mel_to_magnitude(mel, scale)
        return pghi(magnitude, scale.hop_length, length=length, generator=generator)
    generator = generator or torch.Generator().manual_seed(round(1000 * float(voiced[0])))
    lines, power = lines_of(scale), mel.T.contiguous().numpy()
    f0_bins = (f0_hz / scale.bin_hz).numpy()
    n_harmonics = max(1, int(scale.maximum_hz / float(voiced.min())))
    ratios = np.arange(1.0, n_harmonics + 1)
    amplitude, noise = read_partials(power, f0_bins, ratios, lines)
    if voiced.max() < voiced.min() * (1 + _STEADY):
        typical = float(voiced.median()) / scale.bin_hz
        ratios = np.append(ratios, find_strays(noise, power, typical, lines) / typical)
    if len(ratios) > n_harmonics:
        amplitude, noise = read_partials(power, f0_bins, ratios, lines)
    phases = torch.rand(len(ratios), generator=generator)
    tones = _tones(_held(f0_hz), amplitude, ratios, n_harmonics, phases, scale, length)
    hiss = shaped_noise(torch.from_numpy(noise).T, scale, length, generator)
    return (tones + hiss) * sharpening(mel, scale, length)


def _tones(
    f0_hz: Tensor,
    amplitude: np.ndarray,
    ratios: np.ndarray,
    n_harmonics: int,
    phases: Tensor,
    scale: MelScale,
    length: int,
) -> Tensor:
    """Harmonics from one bank, strays each as the first harmonic of their own."""
    levels, rate, hop = torch.from_numpy(amplitude), scale.sample_rate, scale.hop_length
    tones = harmonic_bank(
        f0_hz, levels[:, :n_harmonics], rate, hop, start=phases[:n_harmonics], length=length
    )
    if len(ratios) > n_harmonics:
        strays_hz = torch.from_numpy(ratios[n_harmonics:])[:, None] * f0_hz
        starts = phases[n_harmonics:, None]
        strays = levels[:, n_harmonics:].T[..., None]
        tones += harmonic_bank(strays_hz, strays, rate, hop, start=starts, length=length).sum(0)
    return tones


def _held(f0_hz: Tensor) -> Tensor:
    """The fundamental, held on into frames that have none: it must not glide to 0 and back."""
    voiced = (f0_hz > 0).nonzero()[:, 0].numpy()
    before = np.searchsorted(voiced, np.arange(len(f0_hz)), side="right") - 1
    return f0_hz[voiced[before.clip(0)]]
