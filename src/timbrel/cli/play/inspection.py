"""What `inspect` finds in a sound file: figures, and the curves that its picture shows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from timbrel.audio import probe, read_channels, require_sound, resample
from timbrel.dsp.clearness import SURE
from timbrel.dsp.descriptors import attack_s, spectral_centroid_hz
from timbrel.dsp.first_note import first_note, others_follow
from timbrel.dsp.loudness import a_weighted_db, lufs
from timbrel.dsp.pitch import PitchTrack, track_pitch
from timbrel.picture import Curves, draw_sound
from timbrel.units import amplitude_to_db, hz_to_midi, midi_to_hz, pitch_name

_HEARING_RATE = 16000
_LOUDNESS_HOP_S = 0.01
_SHORTEST_FOR_LUFS_S = 0.4


@dataclass(frozen=True)
class View:
    """A sound file that was looked at.

    Attributes:
        path: of the file.
        audio: its channels' mean.
        sample_rate: the file's own.
        figures: what was measured, by name; None where it cannot be said.
        curves: pitch and loudness over time.
        first_s: how long its first note is, where it holds several; None where it holds one.
    """

    path: Path
    audio: Float[Tensor, " time"]
    sample_rate: int
    figures: dict[str, Any]
    curves: Curves
    first_s: float | None = None

    def draw(self, out: Path) -> Path:
        """Write the picture."""
        return draw_sound(out, self.path.name, self.audio, self.sample_rate, self.curves)


def look_at(path: Path) -> View:
    """Measure a sound file.

    Raises:
        BadAudio: it cannot be read, or nothing is to be heard in it.
    """
    channels, sample_rate = read_channels(path)
    require_sound(channels, sample_rate, name=str(path))
    audio = channels.mean(0)
    track = track_pitch(resample(audio, sample_rate, _HEARING_RATE), _HEARING_RATE)
    hop_length = max(1, round(_LOUDNESS_HOP_S * sample_rate))
    loudness_db = a_weighted_db(
        audio, sample_rate, hop_length=hop_length, win_length=4 * hop_length
    )
    curves = Curves(
        track.f0_hz, track.confidence, track.frame_rate, loudness_db, sample_rate / hop_length
    )
    figures = _level_figures(path, channels, sample_rate) | _pitch_figures(track)
    figures["centroid_hz"] = float(spectral_centroid_hz(audio, sample_rate))
    figures["attack_s"] = float(attack_s(audio, sample_rate))
    first_s = _first_s(audio, sample_rate)
    figures["holds_several"] = first_s is not None
    return View(path, audio, sample_rate, figures, curves, first_s)


def _first_s(audio: Float[Tensor, " time"], sample_rate: int) -> float | None:
    note = first_note(audio, sample_rate)
    return len(note) / sample_rate if others_follow(note, audio) else None


def _level_figures(
    path: Path, channels: Float[Tensor, "channels time"], sample_rate: int
) -> dict[str, Any]:
    duration_s = channels.shape[1] / sample_rate
    peak = float(channels.abs().max())
    rms = float(channels.square().mean().sqrt())
    long_enough = duration_s >= _SHORTEST_FOR_LUFS_S
    return {
        "file": path,
        "format": probe(path).format,
        "duration_s": duration_s,
        "sample_rate_hz": sample_rate,
        "channels": len(channels),
        "peak_db": amplitude_to_db(peak),
        "rms_db": amplitude_to_db(max(rms, 1e-10)),
        "loudness_lufs": lufs(channels, sample_rate) if long_enough else None,
        "clipped_samples": int((channels.abs() >= 1.0).sum()),
    }


def _pitch_figures(track: PitchTrack) -> dict[str, Any]:
    """The middle pitch, how far it lies from the nearest note, and how much of it was sure."""
    sure = (track.f0_hz > 0) & (track.confidence >= SURE)
    figures: dict[str, Any] = {"pitched_share": float(sure.float().mean())}
    if not bool(sure.any()):
        return figures | dict.fromkeys(("f0_hz", "pitch", "note", "cents"))
    pitch = float(hz_to_midi(track.f0_hz[sure]).median())
    nearest = round(pitch)
    return figures | {
        "f0_hz": midi_to_hz(pitch),
        "pitch": pitch,
        "note": pitch_name(nearest),
        "cents": 100 * (pitch - nearest),
    }
