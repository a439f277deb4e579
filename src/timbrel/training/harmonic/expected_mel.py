"""The mel spectrum that tracks are expected to have, without making a sound.

    mel_b = sum over k of a_k^2 R_b(k f0) + sum over c of n_c^2 N_bc

R_b(f) is what an STFT's window and mel filter b let through of a sine, N_bc of noise in band c.
Powers add because phases are random. So levels can be trained by what is heard of them, a hundred
times faster than through audio: a partial that a louder one or the noise masks counts for nothing.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from timbrel.dsp.mel import MelScale
from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.slots import Slots
from timbrel.instruments.harmonic.course import Course
from timbrel.units import db_to_power, midi_to_hz, power_to_db

N_PITCHES = 128
"""The table holds MIDI's: the notes of sets have whole ones."""

_KEYBOARD = slice(21, 109)

_BANDS_PER_OCTAVE = 18.6


def mel_scale_for(sample_rate: int) -> MelScale:
    """The default scale at 16 kHz; at other rates the same windows, bands up to 0.95 Nyquist."""
    if sample_rate == MelScale().sample_rate:
        return MelScale()
    highest_hz = min(20000.0, 0.475 * sample_rate)
    n_fft, hop_length = round(0.064 * sample_rate), round(0.016 * sample_rate)
    # As dense above 7.6 kHz, where Slaney's scale is logarithmic, as the default's are below.
    n_mels = 80 + round(_BANDS_PER_OCTAVE * math.log2(highest_hz / 7600))
    return MelScale(sample_rate, n_fft, hop_length, n_mels, 40.0, highest_hz)


class ExpectedMel(nn.Module):
    """Courses to mel power, for pitches in whole semitones.

    Args:
        slots: of the courses.
        bands: of the courses.

    Attributes:
        sine_db: what a sine of amplitude 1 shows in its loudest mel band, the median over a
            piano's keys.
    """

    of_slots: Tensor
    of_bands: Tensor

    def __init__(self, slots: Slots, bands: Bands) -> None:
        super().__init__()
        scale = mel_scale_for(bands.sample_rate)
        lines = _Lines(scale)
        pitch = torch.arange(N_PITCHES).float()
        self.register_buffer("of_slots", _slot_table(lines, pitch, slots), persistent=False)
        self.register_buffer("of_bands", _band_table(scale, bands), persistent=False)
        loudest = self.of_slots[_KEYBOARD, 0].amax(-1)
        self.sine_db = float(power_to_db(loudest).median())

    def forward(
        self, course: Course, pitch: Float[Tensor, " batch"]
    ) -> Float[Tensor, "batch moments mels"]:
        """Mel power at each moment."""
        table = self.of_slots[pitch.round().long().clamp(0, N_PITCHES - 1)]
        partials, noise = (db_to_power(levels.float()) for levels in course)
        with torch.autocast(pitch.device.type, enabled=False):
            return partials @ table + noise @ self.of_bands


class _Lines:
    """What each mel band sees of a sine of amplitude 1 at any frequency."""

    _FINE = 16
    """Places a bin at which the window's spectrum is known."""

    def __init__(self, scale: MelScale) -> None:
        self.scale = scale
        window = torch.hann_window(scale.n_fft, dtype=torch.float64)
        spectrum = torch.fft.rfft(window, scale.n_fft * self._FINE).abs() / 2
        away = torch.arange(-3, 4) * self._FINE
        place = torch.arange((scale.n_fft // 2 + 1) * self._FINE)
        bins = place // self._FINE
        filters = scale.filterbank().double()
        seen = torch.zeros(len(place), scale.n_mels, dtype=torch.float64)
        for step in away.tolist():
            near = (bins + step // self._FINE).clamp(0, scale.n_fft // 2)
            distance = (near * self._FINE - place).abs()
            seen += spectrum[distance].square()[:, None] * filters.T[near]
        self._seen = seen.float()

    def __call__(self, frequency_hz: Float[Tensor, "*any"]) -> Float[Tensor, "*any mels"]:
        place = (frequency_hz / self.scale.bin_hz * self._FINE).round().long()
        inside = place < len(self._seen)
        return self._seen[place.clamp(max=len(self._seen) - 1)] * inside[..., None]


def _slot_table(
    lines: _Lines, pitch: Float[Tensor, " pitches"], slots: Slots
) -> Float[Tensor, "pitches slots mels"]:
    f0_hz = midi_to_hz(pitch)[:, None]
    columns = []
    for first, count in zip(slots.firsts.tolist(), slots.counts.int().tolist(), strict=True):
        order = torch.arange(first, first + count)
        columns.append(lines(f0_hz * order).sum(1))
    return torch.stack(columns, 1)


def _band_table(scale: MelScale, bands: Bands) -> Float[Tensor, "bands mels"]:
    """Noise of RMS 1 in each band: its density over the bins, through the window and filters."""
    window = torch.hann_window(scale.n_fft)
    density = bands.weights(scale.n_fft) / bands.widths_hz()[:, None]
    power = density * (scale.sample_rate / 2 * float(window.square().sum()))
    return power @ scale.filterbank().T
