"""Notes in a recording: where they begin and end, their pitch, and when their key went up.

Sounds that silence parts are notes of their own; what cannot be taken for one note (a melody, a
glissando, a repeated stroke, a noise) is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.audio import resample
from timbrel.data.notes.qualities import envelope_db
from timbrel.data.recordings.instrument_words import pitch_in
from timbrel.dsp.pitch import note_pitch, track_pitch
from timbrel.errors import BadAudio
from timbrel.units import hz_to_midi, midi_to_hz, power_to_db

FRAME_S = 0.01
RANGE_DB = 45.0
FLOOR_DB = -65.0
SHORTEST_S = 0.06
GAP_S = 0.15

_FADE_IN_S = 0.003
_FADE_OUT_S = 0.02
_STEADY_SEMITONES = 1.0
_STEADY_SHARE = 0.85
_SURE = 0.7
_STROKE_DB = 12.0
_NOISE_DB = 28.0
_IN_TUNE_CENTS = 2.0


@dataclass(frozen=True)
class FoundNote:
    """One note of a recording.

    Attributes:
        audio: from its onset to its end, in tune.
        pitch: MIDI number of the nearest key.
        cents: how far off that key it was recorded.
        hold_s: when its key went up, estimated; its whole length where it died away by itself.
        level_db: root mean square of its loudest tenth of a second.
        start_s: where in the recording it begins.
        pitch_from: whether the pitch was heard in the sound, or read in the file's name.
    """

    audio: Float[Tensor, " time"]
    pitch: int
    cents: float
    hold_s: float
    level_db: float
    start_s: float
    pitch_from: str


def sounding_spans(audio: Float[Tensor, " time"], sample_rate: int) -> list[tuple[float, float]]:
    """Start and end in seconds of what silence parts.

    Silent is what lies 45 dB under the loudest, or near a noise floor that is well below it.
    """
    if len(audio) < FRAME_S * sample_rate:
        return []
    level_db = envelope_db(audio[None], sample_rate)[0].numpy()
    loudest = float(level_db.max())
    floor = float(np.quantile(level_db, 0.1)) + 8.0
    threshold = max(loudest - RANGE_DB, FLOOR_DB, floor if floor < loudest - 25.0 else FLOOR_DB)
    sounds = np.flatnonzero(level_db > threshold)
    if not len(sounds):
        return []
    breaks = np.flatnonzero(np.diff(sounds) > GAP_S / FRAME_S)
    starts = sounds[np.concatenate([[0], breaks + 1])]
    ends = sounds[np.concatenate([breaks, [len(sounds) - 1]])] + 1
    spans = zip(starts * FRAME_S, np.minimum(ends * FRAME_S, len(audio) / sample_rate), strict=True)
    return [(float(a), float(b)) for a, b in spans if b - a >= SHORTEST_S]


def notes_in(
    audio: Float[Tensor, " time"], sample_rate: int, path: Path, *, retune: bool = True
) -> Iterator[FoundNote | tuple[float, str]]:
    """Each note of a recording, or where one begins and why it cannot be used.

    Args:
        audio: the recording.
        sample_rate: in Hz.
        path: its file, whose name may tell a pitch that cannot be heard.
        retune: whether to bring each note to its nearest key.

    Raises:
        BadAudio: it is silent.
    """
    spans = sounding_spans(audio, sample_rate)
    if not spans:
        raise BadAudio("silent, or over in less than 60 ms")
    named = pitch_in(path) if len(spans) == 1 else None
    sounds = [audio[round(a * sample_rate) : round(b * sample_rate)] for a, b in spans]
    loudest_db = max(_loudest_tenth_db(sound, sample_rate) for sound in sounds)
    for (start_s, _), span in zip(spans, sounds, strict=True):
        below_db = loudest_db - _loudest_tenth_db(span, sample_rate)
        if below_db > _NOISE_DB:
            yield start_s, f"{below_db:.0f} dB under the loudest sound of its file: a noise"
            continue
        try:
            yield _note(span, sample_rate, start_s, named, retune)
        except BadAudio as error:
            yield start_s, str(error)


def _note(
    audio: Tensor, sample_rate: int, start_s: float, named: int | None, retune: bool
) -> FoundNote:
    level_db = envelope_db(audio[None], sample_rate)[0].numpy()
    _require_one_stroke(level_db)
    _require_steady(audio, sample_rate)
    exact, pitch_from = _pitch(audio, sample_rate, named)
    pitch = round(exact)
    if not 0 <= pitch <= 127:
        raise BadAudio(f"its pitch {exact:.1f} lies beyond the MIDI notes")
    cents = 100.0 * (exact - pitch)
    hold_s = estimate_hold_s(level_db)
    if retune and abs(cents) > _IN_TUNE_CENTS:
        stretch = 2.0 ** (cents / 1200.0)
        audio = resample(audio, sample_rate, round(sample_rate * stretch))
        hold_s *= stretch
    return FoundNote(
        _faded(audio, sample_rate),
        pitch,
        round(cents, 1),
        round(min(hold_s, len(audio) / sample_rate), 3),
        _loudest_tenth_db(audio, sample_rate),
        round(start_s, 3),
        pitch_from,
    )


def _pitch(audio: Tensor, sample_rate: int, named: int | None) -> tuple[float, str]:
    """The pitch that is heard, or where none can be, the one that the file's name tells."""
    try:
        return refined_pitch(audio, sample_rate, note_pitch(audio, sample_rate)), "sound"
    except BadAudio:
        if named is None:
            raise BadAudio("no pitch can be heard, and the file's name tells none") from None
        return float(named), "name"


def refined_pitch(audio: Float[Tensor, " time"], sample_rate: int, pitch: float) -> float:
    """A pitch to a cent, where a tracker's is right to a third of a semitone.

    The comb of the first five harmonics is moved until it collects most of the spectrum of the
    loudest second. Higher harmonics would be sharper figures, but on stiff strings they are sharp.

    >>> tone = torch.sin(torch.arange(16000) * (2 * torch.pi * 440 / 16000))
    >>> round(refined_pitch(tone, 16000, 69.2), 2)
    69.0
    """
    size = min(len(audio), sample_rate)
    energy = torch.nn.functional.pad(audio.square().cumsum(0), (1, 0))
    start = int((energy[size:] - energy[: len(energy) - size]).argmax())
    windowed = audio[start : start + size] * torch.hann_window(size)
    n_fft = 8 * (1 << (size - 1).bit_length())
    magnitude = torch.fft.rfft(windowed, n_fft).abs()
    offsets = torch.arange(-33.0, 33.5, 0.5) / 100.0
    harmonics = torch.arange(1.0, 6.0)[:, None] * midi_to_hz(pitch + offsets)
    bins = (harmonics * (n_fft / sample_rate)).round().long()
    collected = (magnitude[bins.clamp(max=len(magnitude) - 1)] * (bins < len(magnitude))).sum(0)
    return pitch + float(offsets[collected.argmax()])


def _require_one_stroke(level_db: np.ndarray) -> None:
    """Refuse a second attack: a rise of 12 dB in 60 ms, to within 20 dB of the loudest."""
    if len(level_db) < 30:
        return
    lowest = np.lib.stride_tricks.sliding_window_view(level_db, 6).min(axis=1)
    risen = level_db[5:] - lowest
    again = (risen >= _STROKE_DB) & (level_db[5:] > level_db.max() - 20.0)
    again[:15] = False
    if again.any():
        at_s = (int(again.argmax()) + 5) * FRAME_S
        raise BadAudio(f"struck again {at_s:.2f} s after its onset: record one note a file")


def _require_steady(audio: Tensor, sample_rate: int) -> None:
    """Refuse a pitch that moves by more than vibrato and scoops do; nothing sure passes."""
    track = track_pitch(audio, sample_rate)
    frames = len(track.f0_hz)
    level_db = envelope_db(audio[None], sample_rate)[0]
    place = (torch.arange(frames) / track.frame_rate / FRAME_S).long().clamp(max=len(level_db) - 1)
    heard = (track.confidence > _SURE) & (level_db[place] > level_db.max() - 25.0)
    if int(heard.sum()) < max(5, 0.3 * frames):
        return
    pitch = hz_to_midi(track.f0_hz[heard])
    middle = pitch.median()
    # A tracker's octave errors are no melody.
    off = (pitch - middle).abs()
    off = torch.minimum(off, (off - 12.0).abs())
    if float((off <= _STEADY_SEMITONES).float().mean()) < _STEADY_SHARE:
        low, high = (float(pitch.quantile(q)) for q in (0.05, 0.95))
        raise BadAudio(f"its pitch moves from {low:.1f} to {high:.1f} (MIDI): not one note")


def estimate_hold_s(level_db: np.ndarray) -> float:
    """When the key went up: where a level that held, or fell slowly, begins to fall fast.

    Two straight lines are fitted from the loudest frame to the end, at every place where one
    could pass into the other. The best pair tells the release if its second line falls by 10 dB
    or more, at 40 dB/s or more, and 30 dB/s faster than the first; otherwise the note died away
    by itself, and the key was held to its end.
    """
    whole_s = len(level_db) * FRAME_S
    peak = int(level_db.argmax())
    tail = level_db[peak:]
    count = len(tail)
    if count < 6:
        return whole_s
    sizes = np.arange(2, count - 1)
    error_before, slope_before = _line_fits(tail)
    error_after, slope_after = _line_fits(tail[::-1])
    error = error_before[sizes] + error_after[count - sizes]
    best = int(sizes[error.argmin()])
    first, second = slope_before[best] / FRAME_S, -slope_after[count - best] / FRAME_S
    fall = -second * (count - best) * FRAME_S
    if fall >= 10.0 and second <= -40.0 and second <= first - 30.0:
        return (peak + best) * FRAME_S
    return whole_s


def _line_fits(level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared error and slope of the line through the first n values, for every n."""
    n = np.arange(1, len(level) + 1, dtype=np.float64)
    x = n - 1.0
    sums = [np.cumsum(v) for v in (x, level, x * x, x * level, level * level)]
    sx, sy, sxx, sxy, syy = sums
    variance = np.maximum(sxx - sx * sx / n, 1e-12)
    covariance = sxy - sx * sy / n
    slope = covariance / variance
    error = np.maximum(syy - sy * sy / n - slope * covariance, 0.0)
    return np.concatenate([[0.0], error]), np.concatenate([[0.0], slope])


def _loudest_tenth_db(audio: Tensor, sample_rate: int) -> float:
    size = min(len(audio), round(0.1 * sample_rate))
    energy = audio.square().unfold(0, size, max(1, size // 4)).mean(-1).max()
    return round(float(power_to_db(energy + 1e-12)), 2)


def _faded(audio: Tensor, sample_rate: int) -> Tensor:
    """Ends without a click; the fade-in is short enough to leave the attack alone."""
    audio = audio.clone()
    rise = min(len(audio), round(_FADE_IN_S * sample_rate))
    fall = min(len(audio), round(_FADE_OUT_S * sample_rate))
    audio[:rise] *= torch.linspace(0.0, 1.0, rise)
    audio[len(audio) - fall :] *= torch.linspace(1.0, 0.0, fall)
    return audio
