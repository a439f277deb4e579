"""What is drawn: each function fills one axes with one view of a sound.

Time runs to the right in seconds. Long sounds are thinned first (a picture is a few thousand
points wide), so that an hour costs about what a note does.
"""

from __future__ import annotations

import math
from itertools import cycle

import torch
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle
from torch import Tensor

from timbrel.dsp.clearness import SURE
from timbrel.dsp.mel import FLOOR_DB, MelScale, mel_db, mel_power
from timbrel.midi import Score
from timbrel.picture.canvas import BLUE, COLOURS, GREY, INK, LEVELS, ORANGE, RED
from timbrel.units import hz_to_midi, midi_to_hz, pitch_name

_WIDEST = 4000
_FREQUENCY_TICKS_HZ = (200, 500, 1000, 2000, 5000, 10000)
_CERTAIN = 0.95
_AROUND_S, _LEAP_SEMITONES = 0.4, 6.0


def draw_waveform(
    axes: Axes, audio: Float[Tensor, " time"], sample_rate: int, colour: str = BLUE
) -> None:
    """The outline of the wave: the lowest and the highest sample of each of many short spans."""
    span = max(1, math.ceil(len(audio) / _WIDEST))
    spans = torch.nn.functional.pad(audio, (0, -len(audio) % span)).reshape(-1, span)
    times_s = (torch.arange(len(spans)) * (span / sample_rate)).numpy()
    if span < 3:
        axes.plot(times_s, spans[:, 0].numpy(), color=colour, linewidth=0.7)
    else:
        low, high = spans.amin(1).numpy(), spans.amax(1).numpy()
        axes.fill_between(times_s, low, high, color=colour, linewidth=0.4)
    peak = max(float(audio.abs().max()), 1e-4)
    axes.set(ylim=(-1.1 * peak, 1.1 * peak), xlim=(0, len(audio) / sample_rate))
    axes.set_ylabel("amplitude")
    if peak > 0.999:
        for level in (-1, 1):
            axes.axhline(level, color=RED, linewidth=0.8, linestyle=(0, (4, 3)))


def picture_scale(length: int, sample_rate: int) -> MelScale:
    """A mel scale on which a sound of any rate and length shows well in a few thousand columns."""
    n_fft = 2 ** round(math.log2(0.05 * sample_rate))
    hop_length = max(n_fft // 8, math.ceil(length / _WIDEST))
    return MelScale(sample_rate, n_fft, hop_length, 96, 40.0, min(0.5 * sample_rate, 12000.0))


def draw_mel(axes: Axes, audio: Float[Tensor, " time"], sample_rate: int) -> None:
    """The mel spectrogram in dB under the sound's own maximum: dark is loud."""
    scale = picture_scale(len(audio), sample_rate)
    levels_db = mel_db(mel_power(audio, scale))
    end_s = levels_db.shape[-1] * scale.hop_length / sample_rate
    axes.imshow(
        levels_db.numpy(), origin="lower", cmap=LEVELS, vmin=FLOOR_DB, vmax=0.0,
        extent=(0.0, end_s, 0.0, float(scale.n_mels)),
    )  # fmt: skip
    axes.set_xlim(0, len(audio) / sample_rate)
    axes.grid(visible=False)
    axes.set_ylabel("frequency (Hz)")
    _label_bands(axes, scale)


def _label_bands(axes: Axes, scale: MelScale) -> None:
    """Round frequencies at the heights of their mel bands."""
    centres_hz = scale.centres_hz().tolist()
    ticks = [hz for hz in _FREQUENCY_TICKS_HZ if centres_hz[0] <= hz <= centres_hz[-1]]
    heights = [_height(hz, centres_hz) for hz in ticks]
    axes.set_yticks(heights, [f"{hz // 1000}k" if hz >= 1000 else str(hz) for hz in ticks])


def _height(hz: float, centres_hz: list[float]) -> float:
    above = next(band for band, centre in enumerate(centres_hz) if centre >= hz)
    if above == 0:
        return 0.5
    low, high = centres_hz[above - 1], centres_hz[above]
    return above - 0.5 + (hz - low) / (high - low)


def draw_pitch(
    axes: Axes,
    f0_hz: Float[Tensor, " frames"],
    confidence: Float[Tensor, " frames"],
    frame_rate: float,
) -> None:
    """Fundamental frequency where it is sure, on a scale of notes."""
    pitch = hz_to_midi(f0_hz.clamp_min(1.0))
    sure = believed(pitch, (f0_hz > 0) * confidence, frame_rate)
    low, high = 54, 66
    if bool(sure.any()):
        low, high = _pitch_range(pitch[sure])
        shown = torch.where(sure, pitch, torch.nan).numpy()
        axes.plot((torch.arange(len(pitch)) / frame_rate).numpy(), shown, color=ORANGE)
    else:
        axes.text(0.5, 0.5, "no pitch found", transform=axes.transAxes, ha="center", color=GREY)
    step = next((step for step in (3, 6) if high - low <= 6 * step), 12)
    ticks = range(step * math.ceil(low / step), high + 1, step)
    axes.set_yticks(list(ticks), [f"{pitch_name(n)}  {midi_to_hz(float(n)):.0f}" for n in ticks])
    axes.set_ylim(low, high)
    axes.set_ylabel("pitch (note, Hz)")


def believed(
    pitch: Float[Tensor, " frames"], confidence: Float[Tensor, " frames"], frame_rate: float
) -> Bool[Tensor, " frames"]:
    """Which frames' pitches to show: those that are sure, and no short leap that is only likely.

    Trackers err by octaves for a few frames, and say that they are not certain. So a frame that
    lies half an octave off the median of 0.4 s around it must be all but certain.

    >>> pitch = torch.tensor([60.0, 60.0, 48.0, 60.0, 72.0, 60.0, 60.0])
    >>> confidence = torch.tensor([1.0, 0.9, 0.7, 0.8, 0.99, 0.2, 0.9])
    >>> believed(pitch, confidence, 62.5).tolist()
    [True, True, False, True, True, False, True]
    """
    sure = confidence >= SURE
    reach = round(_AROUND_S * frame_rate / 2)
    known = torch.where(sure, pitch, torch.nan)
    around = torch.nn.functional.pad(known, (reach, reach), value=torch.nan)
    middle = around.unfold(0, 2 * reach + 1, 1).nanmedian(-1).values
    return sure & (((pitch - middle).abs() < _LEAP_SEMITONES) | (confidence >= _CERTAIN))


def _pitch_range(pitch: Float[Tensor, " frames"]) -> tuple[int, int]:
    """Whole minor thirds around nearly all of it, an octave at least."""
    low = 3 * math.floor((float(pitch.quantile(0.02)) - 1.5) / 3)
    high = 3 * math.ceil((float(pitch.quantile(0.98)) + 1.5) / 3)
    lacking = max(0, 12 - (high - low))
    return low - 3 * (lacking // 6), high + lacking - 3 * (lacking // 6)


def draw_loudness(axes: Axes, loudness_db: Float[Tensor, " frames"], frame_rate: float) -> None:
    """A-weighted level over time, the upper 60 dB of it."""
    times_s = (torch.arange(len(loudness_db)) / frame_rate).numpy()
    top = 10 * math.ceil((float(loudness_db.max()) + 1) / 10)
    axes.plot(times_s, loudness_db.clamp_min(top - 60).numpy(), color=INK)
    axes.set_ylim(top - 60, top)
    axes.set_yticks(range(top - 60, top + 1, 20))
    axes.set_ylabel("loudness (dBA)")


def draw_notes(axes: Axes, score: Score) -> None:
    """A piano roll: a bar for each note, a colour for each track, faint where it is soft."""
    for track, colour in zip(score.tracks, cycle(COLOURS), strict=False):
        bars = [(note.onset_s, note.pitch - 0.4, note.duration_s) for note in track.notes]
        rectangles = [Rectangle((x, y), width, 0.8) for x, y, width in bars]
        faintness = [0.35 + 0.65 * note.velocity for note in track.notes]
        collection = PatchCollection(rectangles, facecolor=colour, linewidth=0, alpha=faintness)
        axes.add_collection(collection)
        axes.plot([], [], color=colour, linewidth=4, label=track.label)
    pitches = [note.pitch for track in score.tracks for note in track.notes] or [60.0]
    low, high = 12 * int(min(pitches) // 12), 12 * math.ceil((max(pitches) + 1) / 12)
    axes.set_yticks(range(low, high + 1, 12), map(pitch_name, range(low, high + 1, 12)))
    axes.set(xlim=(0, max(score.duration_s, 0.1)), ylim=(low - 1, high + 1))
    axes.set_ylabel("pitch (note)")
