"""How far a sound is from the one it should be: the distances that every family reports.

Spectral distances take each sound in dB under its own maximum with a floor at -80 dB, so that they
judge colour and course, and `level_error_db` judges level apart. The shorter of two sounds is
padded with silence. Where a batch comes in, a batch comes out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import resample
from timbrel.dsp.librosas import load_librosa
from timbrel.dsp.mel import MelScale, mel_db, mel_power
from timbrel.dsp.stft import stft
from timbrel.units import amplitude_to_db, cents_between, db_to_amplitude, midi_to_hz, power_to_db

MSS_SCALES = ((0.010, 0.005, 32), (0.025, 0.010, 64), (0.100, 0.050, 128))
"""Window in s, hop in s, mels."""

LOUD_DB = -30.0
"""Frames that count where pitch is judged: their level under the loudest frame's."""

_SPECTRUM_FLOOR = 1e-4
_FINE_RATE = 48000
_N_FFT, _HOP_LENGTH = 1024, 256


def mss_db(
    audio: Float[Tensor, "*batch time"], target: Float[Tensor, "*batch _"], sample_rate: int
) -> Float[Tensor, "*batch"]:
    """Multi-scale spectral distance: mean |dB| between mels under windows of 10, 25, 100 ms.

    The mels reach from 0 Hz to Nyquist. The FFTs are padded to 4 times their window or more:
    32 mels are finer than the bins of a 10 ms window, and bands without a bin would always agree.

    >>> mss_db(torch.randn(2, 16000), torch.randn(2, 16000), 16000).shape
    torch.Size([2])
    """
    audio, target = _same_length(audio, target)
    return mss_between(mss_mels(audio, sample_rate), mss_mels(target, sample_rate))


def mss_mels(
    audio: Float[Tensor, "*batch time"], sample_rate: int
) -> list[Float[Tensor, "*batch _ _"]]:
    """The mels that `mss_db` compares: who compares many sounds with one hears that one once.

    >>> [tuple(mel.shape) for mel in mss_mels(torch.randn(2, 16000), 16000)]
    [(2, 32, 201), (2, 64, 101), (2, 128, 21)]
    """
    # one at a time: the spectra of a batch do not stay in the cache, and take half as long again
    flat = [_scales_db(sound, sample_rate) for sound in audio.reshape(-1, audio.shape[-1])]
    joined = [torch.stack(mels) for mels in zip(*flat, strict=True)]
    return [mels.reshape(*audio.shape[:-1], *mels.shape[-2:]) for mels in joined]


def mss_between(
    ours: Sequence[Float[Tensor, "*batch _ _"]], theirs: Sequence[Float[Tensor, "*_ _ _"]]
) -> Float[Tensor, "*batch"]:
    """`mss_db` from `mss_mels`: of sounds of one length, and one for each or one for all."""
    scales = [(a - b).abs().mean((-2, -1)) for a, b in zip(ours, theirs, strict=True)]
    return torch.stack(scales).mean(0)


def log_mel_l1_db(
    audio: Float[Tensor, "*batch time"],
    target: Float[Tensor, "*batch _"],
    scale: MelScale | None = None,
) -> Float[Tensor, "*batch"]:
    """Mean |dB| between 80 mels (n_fft 1024, hop 256, 40 to 7600 Hz) of sounds at 16 kHz.

    >>> log_mel_l1_db(torch.ones(16000), torch.ones(16000) * 0.1).item() < 1e-3
    True
    """
    audio, target = _same_length(audio, target)
    ours, theirs = (mel_db(mel_power(sound, scale)) for sound in (audio, target))
    return (ours - theirs).abs().mean((-2, -1))


def level_error_db(
    audio: Float[Tensor, "*batch time"], target: Float[Tensor, "*batch _"]
) -> Float[Tensor, "*batch"]:
    """How much louder than the target, in dB of RMS; negative is quieter.

    >>> round(level_error_db(torch.ones(100), torch.ones(100) * 0.5).item(), 2)
    6.02
    """
    audio, target = _same_length(audio, target)
    powers = [sound.square().mean(-1).clamp_min(1e-20) for sound in (audio, target)]
    return power_to_db(powers[0] / powers[1])


def wmfcc(audio: Float[Tensor, " time"], target: Float[Tensor, " _"], sample_rate: int) -> float:
    """Warped MFCC distance: mean Euclidean distance of 20 MFCC along the best DTW path.

    The warping forgives timing, so it judges timbre alone. Peaks are scaled to 1 first.

    >>> wmfcc(torch.randn(8000), torch.randn(8000), 8000) > 0
    True
    """
    librosa = load_librosa()
    ours, theirs = (
        librosa.feature.mfcc(y=_peak_1(sound).cpu().numpy(), sr=sample_rate, n_mfcc=20)
        for sound in (audio, target)
    )
    cost, path = librosa.sequence.dtw(ours, theirs, metric="euclidean")
    return float(cost[-1, -1] / len(path))


def sot_hz(
    audio: Float[Tensor, "*batch time"], target: Float[Tensor, "*batch _"], sample_rate: int
) -> Float[Tensor, "*batch"]:
    """Spectral optimal transport: how far, in Hz, the spectrum must move to become the target's.

    Wasserstein-1 between magnitude spectra that sum to 1, mean over the frames in which the
    target is less than 80 dB under its maximum (Torres et al. 2024, arXiv 2312.14507).

    >>> tones = torch.sin(torch.arange(8000) * torch.tensor([[0.25], [0.50]]) * torch.pi)
    >>> round(sot_hz(tones[0], tones[1], 8000).item(), -2)
    1000.0
    """
    audio, target = _same_length(audio, target)
    spectra = [stft(sound, _N_FFT, _HOP_LENGTH).abs() for sound in (audio, target)]
    level = spectra[1].amax(-2)
    sounds = level > _SPECTRUM_FLOOR * level.amax(-1, keepdim=True)
    steps = [(s / s.sum(-2, keepdim=True).clamp_min(1e-12)).cumsum(-2) for s in spectra]
    moved = (steps[0] - steps[1]).abs()[..., :-1, :].sum(-2) * (sample_rate / _N_FFT)
    return (moved * sounds).sum(-1) / sounds.sum(-1).clamp_min(1)


def rms_cosine(
    audio: Float[Tensor, "*batch time"], target: Float[Tensor, "*batch _"]
) -> Float[Tensor, "*batch"]:
    """Cosine between the RMS envelopes: 1 where one is a multiple of the other.

    >>> round(rms_cosine(torch.ones(16000), torch.ones(16000) * 0.1).item(), 3)
    1.0
    """
    audio, target = _same_length(audio, target)
    ours, theirs = (_rms(sound) for sound in (audio, target))
    return torch.cosine_similarity(ours, theirs, dim=-1, eps=1e-12)


def spectral_convergence_db(
    audio: Float[Tensor, "*batch time"], target: Float[Tensor, "*batch _"]
) -> Float[Tensor, "*batch"]:
    """Error of the STFT magnitudes (n_fft 1024) against the target's norm, in dB; lower is better.

    >>> round(spectral_convergence_db(torch.ones(8000) * 1.1, torch.ones(8000)).item(), 3)
    -20.0
    """
    audio, target = _same_length(audio, target)
    ours, theirs = (stft(sound, _N_FFT, _HOP_LENGTH).abs() for sound in (audio, target))
    error = (ours - theirs).norm(dim=(-2, -1)) / theirs.norm(dim=(-2, -1)).clamp_min(1e-12)
    return amplitude_to_db(error.clamp_min(1e-12))


def pitch_accuracy(
    audio: Float[Tensor, " time"], sample_rate: int, pitch: float, *, tolerance_cents: float = 50.0
) -> float:
    """Share of loud frames in which pYIN hears the pitch, searching an octave to either side.

    pYIN compares a sound with itself whole samples later. Where a bright note's period lies between
    two samples, its high harmonics say that it repeats after two periods only, and it is heard an
    octave low: at 16 kHz so are the true notes of some clarinets. So the sound is first brought to
    a rate at which half a sample is little even for them.

    Args:
        audio: one note; about 2 s of work for each.
        sample_rate: in Hz.
        pitch: the MIDI number that should be heard.
        tolerance_cents: how far off still counts.

    >>> pitch_accuracy(torch.sin(torch.arange(8000) * 0.1727876), 16000, 69.0)
    1.0
    """
    nominal_hz = midi_to_hz(float(pitch))
    lowest_hz, highest_hz = nominal_hz / 2, min(nominal_hz * 2, 0.49 * sample_rate)
    finer = math.ceil(_FINE_RATE / sample_rate)
    audio = resample(audio.detach().cpu().float(), sample_rate, finer * sample_rate)
    sample_rate = finer * sample_rate
    # four periods of the lowest candidate, or YIN's difference function has too little to compare
    least = max(1024 * finer, 4 * sample_rate / lowest_hz)
    frame_length = 2 ** math.ceil(math.log2(least))
    sound = audio.double().numpy()
    hop_length = sample_rate // 32
    librosa = load_librosa()
    rms = librosa.feature.rms(y=sound, frame_length=frame_length, hop_length=hop_length)[0]
    if not rms.max() > 0:
        return 0.0
    f0_hz, _, _ = librosa.pyin(
        sound, fmin=lowest_hz, fmax=highest_hz, sr=sample_rate,
        frame_length=frame_length, hop_length=hop_length, fill_na=None,
    )  # fmt: skip
    loud = rms > rms.max() * db_to_amplitude(LOUD_DB)
    off_cents = cents_between(f0_hz[loud], np.array(nominal_hz))
    return float((np.abs(off_cents) < tolerance_cents).mean())


def _same_length(audio: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    length = max(audio.shape[-1], target.shape[-1])
    pad = torch.nn.functional.pad
    return pad(audio, (0, length - audio.shape[-1])), pad(target, (0, length - target.shape[-1]))


def _scales_db(audio: Tensor, sample_rate: int) -> list[Tensor]:
    return [_scale_mel_db(audio, sample_rate, *scale) for scale in MSS_SCALES]


def _scale_mel_db(
    audio: Tensor, sample_rate: int, window_s: float, hop_s: float, n_mels: int
) -> Tensor:
    win_length, hop_length = round(window_s * sample_rate), round(hop_s * sample_rate)
    n_fft = 2 ** math.ceil(math.log2(4 * win_length))
    scale = MelScale(sample_rate, n_fft, hop_length, n_mels, 0.0, sample_rate / 2)
    spectra = stft(audio, n_fft, hop_length, win_length)
    power = spectra.real.square() + spectra.imag.square()
    return mel_db(scale.filterbank().to(power) @ power)


def _rms(audio: Tensor) -> Tensor:
    padded = torch.nn.functional.pad(audio, (_N_FFT // 2, _N_FFT // 2))
    return padded.unfold(-1, _N_FFT, _HOP_LENGTH).square().mean(-1).sqrt()


def _peak_1(audio: Tensor) -> Tensor:
    return audio.detach().float() / audio.abs().max().clamp_min(1e-9)
