"""The pitch of a sound: over time by one of several trackers, or one figure for one note.

| method  | what                                 | 10 s of audio | range                    |
|---------|--------------------------------------|---------------|--------------------------|
| `swift` | SwiftF0, a small network (default)   | 0.1 s         | 46-2093 Hz, YIN beyond   |
| `pyin`  | probabilistic YIN (Mauch 2014)       | 5 s           | any                      |
| `crepe` | CREPE, a large network (Kim 2018)    | 50 s          | 32-2006 Hz; extra needed |

`crepe-tiny` is CREPE's smallest network: 3 s for these 10 s.

All work at 16 kHz with a frame every 256 samples, so their frames are those of the log-mels.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import resample
from timbrel.dsp.descriptors import rms_envelope
from timbrel.dsp.librosas import load_librosa
from timbrel.dsp.stft import stft
from timbrel.dsp.trackers import Method
from timbrel.dsp.yin import yin
from timbrel.errors import BadAudio, BadInput, MissingExtra
from timbrel.units import hz_to_midi

if TYPE_CHECKING:
    from swift_f0 import SwiftF0

SAMPLE_RATE = 16000
HOP_LENGTH = 256
LOWEST_HZ, HIGHEST_HZ = 25.0, 4500.0

_SWIFT_HZ = (48.0, 2000.0)
_WINDOW = 2048
_LEVEL_WINDOW = 1024
_N_FFT = 4096
_LOUD = 0.05
_VOICED = 0.5
_SURE = 0.95
_AGREE_SEMITONES = 0.5
_OVERTONES = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class PitchTrack:
    """A melody as curves.

    Attributes:
        f0_hz: best guess in each frame, whether there is a pitch or not.
        confidence: how sure the tracker is that there is one and that it is this, in [0, 1].
        frame_rate: frames per second; frame t is centred on t / frame_rate.
    """

    f0_hz: Float[Tensor, " frames"]
    confidence: Float[Tensor, " frames"]
    frame_rate: float

    def nearest(
        self, time_s: Float[Tensor, " times"]
    ) -> tuple[Float[Tensor, " times"], Float[Tensor, " times"]]:
        """f0 and confidence of the frames nearest to some times; beyond the ends as there.

        >>> track = PitchTrack(torch.tensor([220.0, 330.0]), torch.tensor([0.9, 0.8]), 62.5)
        >>> track.nearest(torch.tensor([0.0, 0.009, 7.0]))[0]
        tensor([220., 330., 330.])
        """
        frame = (time_s * self.frame_rate).round().long().clamp(0, len(self.f0_hz) - 1)
        return self.f0_hz[frame], self.confidence[frame]


def track_pitch(
    audio: Float[Tensor, " time"],
    sample_rate: int,
    *,
    method: Method = "swift",
    minimum_hz: float = 40.0,
    maximum_hz: float = 2100.0,
) -> PitchTrack:
    """The fundamental over time, 62.5 frames a second.

    Args:
        audio: one melody, mono.
        sample_rate: in Hz.
        method: see the table above.
        minimum_hz: lowest fundamental to look for.
        maximum_hz: highest.

    Raises:
        BadAudio: the audio is empty or not finite.
        BadInput: the range is empty, or the method is unknown.
        MissingExtra: CREPE is asked for and not installed.

    >>> tone = torch.sin(torch.arange(16000) * (2 * torch.pi * 220 / 16000))
    >>> round(track_pitch(tone, 16000).f0_hz[30].item())
    220
    """
    trackers = {
        "swift": _track_swift,
        "pyin": _track_pyin,
        "crepe": _track_crepe,
        "crepe-tiny": partial(_track_crepe, model="tiny"),
    }
    if method not in trackers:
        raise BadInput(f"no pitch tracker is called {method!r}: wanted {', '.join(trackers)}")
    if not 0 < minimum_hz < maximum_hz < SAMPLE_RATE / 2:
        raise BadInput(f"pitch range {minimum_hz:g} to {maximum_hz:g} Hz: wanted 0 < low < high")
    sound = _at_16k(audio, sample_rate)
    f0_hz, confidence = trackers[method](sound, minimum_hz, maximum_hz)
    n_frames = 1 + len(sound) // HOP_LENGTH
    curves = (torch.from_numpy(_fitted(x, n_frames)).float() for x in (f0_hz, confidence))
    return PitchTrack(*curves, frame_rate=SAMPLE_RATE / HOP_LENGTH)


def note_pitch(audio: Float[Tensor, " time"], sample_rate: int) -> float:
    """MIDI number, fractional, of a recording of one note.

    The median over its loud frames by SwiftF0 and by YIN. Where they agree, that is it. Where not
    (octave errors; notes below 46 or above 2093 Hz), the highest of the two and their overtones
    whose harmonics still hold most of the spectrum is.

    Raises:
        BadAudio: silent, not finite, or no pitch can be heard in it.

    >>> tone = torch.sin(torch.arange(16000) * (2 * torch.pi * 440 / 16000))
    >>> round(note_pitch(tone, 16000), 1)
    69.0
    """
    sound = _at_16k(audio, sample_rate)
    if not np.abs(sound).max() > 1e-4:
        raise BadAudio("the sound is silent: there is no pitch to find")
    loud = _loud_frames(sound)
    by_swift, confidence = _swift_median(sound, loud)
    frame_hz = _yin(sound, LOWEST_HZ, HIGHEST_HZ)
    by_yin = float(np.median(frame_hz[loud]))
    agree = bool(by_swift) and abs(hz_to_midi(by_swift) - hz_to_midi(by_yin)) < _AGREE_SEMITONES
    if by_swift and by_swift < _SWIFT_HZ[1] * 0.75 and (agree or confidence > _SURE):
        return hz_to_midi(by_swift)
    spectrum = _loud_spectrum(sound)
    f0_hz = _most_telling([by_swift, by_yin], spectrum)
    # by YIN's track the pitch may wander, by one figure it is exact where whole lags are coarse
    tracks_hz = (frame_hz, np.full(len(frame_hz), max(f0_hz, LOWEST_HZ)))
    periodic = max(np.median(_periodicity(sound, hz)[loud]) for hz in tracks_hz) >= _VOICED
    if not f0_hz or not (by_swift or periodic):
        raise BadAudio("no pitch can be heard in this sound: say which note it plays")
    return hz_to_midi(f0_hz)


def _at_16k(audio: Tensor, sample_rate: int) -> np.ndarray:
    sound = audio.detach().cpu().float().numpy()
    if sound.ndim != 1 or not len(sound):
        raise BadAudio(f"pitch needs mono audio, got shape {tuple(audio.shape)}")
    if not np.isfinite(sound).all():
        raise BadAudio("the audio holds NaN or infinity: there is no pitch to find")
    return resample(torch.from_numpy(sound), sample_rate, SAMPLE_RATE).numpy()


def _fitted(curve: np.ndarray, n_frames: int) -> np.ndarray:
    return np.pad(curve, (0, max(n_frames - len(curve), 0)), mode="edge")[:n_frames]


@lru_cache(maxsize=1)
def _swift() -> SwiftF0:
    # onnxruntime reports its use to its maker, and on stderr where it cannot keep an id for that
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    from swift_f0 import SwiftF0

    return SwiftF0(threads=1)


def _track_swift(sound: np.ndarray, low_hz: float, high_hz: float) -> tuple[np.ndarray, ...]:
    """SwiftF0, and YIN in the frames that it cannot hear because they lie outside its range."""
    n_frames = 1 + len(sound) // HOP_LENGTH
    # it wants a whole window
    found = _swift().detect(np.pad(sound, (0, max(_WINDOW - len(sound), 0))), SAMPLE_RATE)
    f0_hz = _fitted(np.asarray(found.pitch_hz, np.float64), n_frames)
    confidence = _fitted(np.asarray(found.confidence, np.float64), n_frames)
    confidence = np.where((f0_hz >= low_hz) & (f0_hz <= high_hz), confidence, 0.0)
    if low_hz < _SWIFT_HZ[0] or high_hz > _SWIFT_HZ[1]:
        other_hz = _yin(sound, low_hz, high_hz)
        beyond = (other_hz < _SWIFT_HZ[0]) | (other_hz > _SWIFT_HZ[1])
        periodicity = _periodicity(sound, other_hz) * beyond
        better = (confidence < _VOICED) & (periodicity > np.maximum(confidence, _VOICED))
        f0_hz = np.where(better, other_hz, f0_hz)
        confidence = np.where(better, periodicity, confidence)
    return f0_hz, confidence


def _track_pyin(sound: np.ndarray, low_hz: float, high_hz: float) -> tuple[np.ndarray, ...]:
    frame_length = max(_WINDOW, 2 ** math.ceil(math.log2(4 * SAMPLE_RATE / low_hz)))
    f0_hz, _, confidence = load_librosa().pyin(
        sound, fmin=low_hz, fmax=high_hz, sr=SAMPLE_RATE,
        frame_length=frame_length, hop_length=HOP_LENGTH, fill_na=None,
    )  # fmt: skip
    return f0_hz, confidence


def _track_crepe(
    sound: np.ndarray, low_hz: float, high_hz: float, model: str = "full"
) -> tuple[np.ndarray, ...]:
    try:
        import torchcrepe
    except ImportError:
        raise MissingExtra("CREPE", "crepe") from None
    f0_hz, confidence = torchcrepe.predict(
        torch.from_numpy(sound)[None], SAMPLE_RATE, HOP_LENGTH, max(low_hz, 32.0),
        min(high_hz, 2006.0), model, batch_size=512, return_periodicity=True,
    )  # fmt: skip
    return f0_hz[0].double().numpy(), confidence[0].double().numpy()


def _yin(sound: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    frame_length = max(_WINDOW, 2 ** math.ceil(math.log2(2.2 * SAMPLE_RATE / low_hz)))
    f0_hz = yin(
        torch.from_numpy(sound), SAMPLE_RATE, minimum_hz=low_hz, maximum_hz=high_hz,
        frame_length=frame_length, hop_length=HOP_LENGTH,
    )  # fmt: skip
    return f0_hz.double().numpy()


def _periodicity(sound: np.ndarray, f0_hz: np.ndarray) -> np.ndarray:
    """Correlation of each frame with itself some periods later, 0..1.

    As many periods, up to 10, as come nearest to whole samples: a period of 5.1 samples would
    correlate badly with itself 5 samples later.
    """
    periods = np.arange(1, 11)[:, None] * (SAMPLE_RATE / f0_hz)
    split = np.abs(periods - np.round(periods)) + 1e-3 * periods + (periods > 100)
    lags = np.round(np.take_along_axis(periods, split.argmin(0)[None], 0)[0]).astype(int)
    padded = np.pad(sound, _WINDOW).astype(np.float64)
    result = np.zeros(len(f0_hz))
    for frame, lag in enumerate(lags):
        first = frame * HOP_LENGTH + _WINDOW - (_WINDOW + lag) // 2
        now, later = padded[first : first + _WINDOW], padded[first + lag : first + lag + _WINDOW]
        shared = min(len(now), len(later))
        power = np.sqrt((now @ now) * (later @ later))
        result[frame] = max(now[:shared] @ later[:shared] / power, 0.0) if power > 0 else 0.0
    return result


def _loud_frames(sound: np.ndarray) -> np.ndarray:
    level = rms_envelope(
        torch.from_numpy(sound), SAMPLE_RATE,
        window_s=_LEVEL_WINDOW / SAMPLE_RATE, step_s=HOP_LENGTH / SAMPLE_RATE,
    )  # fmt: skip
    return (level > _LOUD * level.max()).numpy()


def _swift_median(sound: np.ndarray, loud: np.ndarray) -> tuple[float, float]:
    """SwiftF0's median over confident loud frames (0 where they are few), its confidence."""
    f0_hz, confidence = _track_swift(sound, _SWIFT_HZ[0], _SWIFT_HZ[1])
    sure = loud & (confidence > _VOICED)
    if sure.sum() <= 0.2 * loud.sum():
        return 0.0, 0.0
    return float(np.median(f0_hz[sure])), float(np.median(confidence[loud]))


def _loud_spectrum(sound: np.ndarray) -> np.ndarray:
    padded = np.pad(sound, (0, max(_N_FFT - len(sound), 0)))
    spectra = stft(torch.from_numpy(padded), _N_FFT, 1024).abs().numpy()
    level = spectra.sum(0)
    return spectra[:, level > _LOUD * level.max()].mean(1)


def _most_telling(guesses_hz: list[float], spectrum: np.ndarray) -> float:
    """The highest guess or overtone of one whose harmonics hold 3/4 of what the best one's do."""
    overtones = [guess * k for guess in guesses_hz for k in _OVERTONES]
    candidates = [_refined(f, spectrum) for f in overtones if 20 < f < HIGHEST_HZ * 1.1]
    shares = [_harmonic_share(f0_hz, spectrum) for f0_hz in candidates]
    enough = 0.75 * max(shares, default=0.0)
    return max((f for f, s in zip(candidates, shares, strict=True) if s >= enough > 0), default=0.0)


def _harmonic_share(f0_hz: float, spectrum: np.ndarray) -> float:
    """How much of the spectrum lies on harmonics, beyond what a flat one would have there."""
    bin_hz = SAMPLE_RATE / _N_FFT
    frequency_hz = np.arange(len(spectrum)) * bin_hz
    order = np.round(frequency_hz / f0_hz)
    off_hz = np.abs(frequency_hz - order * f0_hz)
    near = (order >= 1) & (off_hz < np.maximum(2 * bin_hz, 0.006 * order * f0_hz))
    near &= off_hz < f0_hz / 4
    heard = np.where(frequency_hz > 20, spectrum, 0.0)
    share, chance = heard[near].sum() / heard.sum(), near.mean()
    return max((share - chance) / (1 - chance), 0.0)


def _refined(f0_hz: float, spectrum: np.ndarray) -> float:
    """A high pitch at its spectral peak: there a bin is finer than YIN's whole samples of lag."""
    peak = round(f0_hz * _N_FFT / SAMPLE_RATE)
    if f0_hz < 1000:
        return f0_hz
    reach = round(0.025 * peak)
    peak += int(np.argmax(spectrum[peak - reach : peak + reach + 1])) - reach
    left, middle, right = np.log(spectrum[peak - 1 : peak + 2] + 1e-12)
    curvature = left - 2 * middle + right
    if curvature >= 0:
        return f0_hz
    exact_hz = (peak + 0.5 * (left - right) / curvature) * SAMPLE_RATE / _N_FFT
    return float(exact_hz) if abs(math.log2(exact_hz / f0_hz)) < 1 / 24 else f0_hz
