"""The noise in a note: what sounds between its partials."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.demodulation import frames_around
from timbrel.dsp.tracks.tracks import FRAME_RATE

_EVERY = 4
_LOBE = 3.2
_ENOUGH_BINS = 0.3
_LOWEST_HZ = 30.0
_ONSET_WINDOW_S = 0.012
_LONG_PERIODS, _LONG_S, _LONGEST_S = 20.0, 0.08, 0.3
_MORE_BY_CHANCE = 2.0


def noise_density(
    audio: Float[Tensor, " time"],
    sample_rate: int,
    partials_hz: Float[Tensor, " partials"],
    f0_hz: float,
    window_s: float,
) -> Float[Tensor, "frames bands"]:
    """Power of the noise per Hz in each band, 200 frames a second.

    The mean over the bins that lie further from all partials than the window's lobe reaches: that
    of a squared Hann window, whose side lobes lie 47 dB down and fall by 30 dB an octave. (Those of
    a plain one, 31 dB down, made every loud fundamental sound as hum below and around it.) A band
    without such bins (the partials fill it) has what its nearest neighbour has.

    Through eight periods a clean tone still shows noise 50 dB down between its partials; played an
    octave higher it would be heard there. So a window of twenty periods hears the same bins, and
    the short one or twice the long one counts, whichever is less (twice, since by chance alone
    either may be less): the long one where the note is steady, the short one where it moves.

    Args:
        audio: a note of steady pitch.
        sample_rate: in Hz.
        partials_hz: what is not noise.
        f0_hz: distance between partials.
        window_s: as long as the noise may be smeared, and over 5 periods.
    """
    reach_hz = min(_LOBE / window_s, 0.4 * f0_hz)
    long_s = max(window_s, min(max(_LONG_PERIODS / f0_hz, _LONG_S), _LONGEST_S))
    short, long = (
        _density_between(audio, sample_rate, partials_hz, reach_hz, seconds)
        for seconds in (window_s, long_s)
    )
    n_frames = 1 + int((len(audio) - 1) * FRAME_RATE / sample_rate)
    density = _at_every_frame(torch.minimum(short, _MORE_BY_CHANCE * long), n_frames)
    return _held_at_onset(density, audio, sample_rate, window_s / 2)


def _density_between(
    audio: Float[Tensor, " time"],
    sample_rate: int,
    partials_hz: Float[Tensor, " partials"],
    reach_hz: float,
    window_s: float,
) -> Float[Tensor, "few bands"]:
    """Power per Hz in each band through one window, at every fourth frame."""
    half = round(window_s * sample_rate / 2)
    frames = frames_around(audio, sample_rate, half, FRAME_RATE / _EVERY)
    window = torch.hann_window(2 * half + 1, periodic=False).square()
    n_fft = 2 << (2 * half).bit_length()
    density = torch.fft.rfft(frames * window, n_fft).abs().square()
    bins_hz = torch.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    weights = Bands(sample_rate).weights(n_fft) * _between_partials(bins_hz, partials_hz, reach_hz)
    heard = weights.sum(1)
    scale = 2 / (sample_rate * float(window.square().sum()))
    in_bands = density @ (weights * (scale / heard.clamp_min(1e-9))[:, None]).T
    return in_bands[:, _nearest(heard > _ENOUGH_BINS)]


def _held_at_onset(
    density: Float[Tensor, "frames bands"],
    audio: Float[Tensor, " time"],
    sample_rate: int,
    until_s: float,
) -> Float[Tensor, "frames bands"]:
    """Noise is no louder than all that sounds in its band.

    A window that reaches back beyond 0 s hears an abrupt onset as noise, and what swells later as
    if it were there already. What a short window hears bounds both.
    """
    n_frames = min(len(density), 1 + round(until_s * FRAME_RATE))
    half = round(_ONSET_WINDOW_S * sample_rate / 2)
    attack = audio[: round(n_frames / FRAME_RATE * sample_rate) + half]
    frames = frames_around(attack, sample_rate, half, FRAME_RATE)[:n_frames]
    window = torch.hann_window(2 * half + 1, periodic=False)
    n_fft = 8 << (2 * half).bit_length()
    power = torch.fft.rfft(frames * window, n_fft).abs().square()
    weights = Bands(sample_rate).weights(n_fft)
    in_bands = power @ (weights / weights.sum(1, keepdim=True)).T
    in_bands = in_bands * (2 / (sample_rate * float(window.square().sum())))
    held = torch.minimum(density[: len(frames)], in_bands)
    return torch.cat([held, density[len(frames) :]])


def _between_partials(
    bins_hz: Float[Tensor, " bins"], partials_hz: Float[Tensor, " partials"], reach_hz: float
) -> Bool[Tensor, " bins"]:
    """Bins with no partial within reach."""
    ordered = partials_hz.sort().values
    right = torch.searchsorted(ordered, bins_hz).clamp(max=len(ordered) - 1)
    left = (right - 1).clamp_min(0)
    nearest = torch.minimum((bins_hz - ordered[left]).abs(), (bins_hz - ordered[right]).abs())
    return (nearest > reach_hz) & (bins_hz > _LOWEST_HZ)


def _nearest(heard: Bool[Tensor, " bands"]) -> Tensor:
    """For each band the nearest one that was heard."""
    if not bool(heard.any()):
        return torch.arange(len(heard))
    places = heard.nonzero()[:, 0]
    return places[(torch.arange(len(heard))[:, None] - places).abs().argmin(1)]


def _at_every_frame(curves: Float[Tensor, "few bands"], n_frames: int) -> Tensor:
    place = (torch.arange(n_frames) / _EVERY).clamp(max=len(curves) - 1)
    left = place.long()
    right = (left + 1).clamp(max=len(curves) - 1)
    return torch.lerp(curves[left], curves[right], (place - left)[:, None])
