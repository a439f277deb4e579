r"""One moving sound, or two audible ones? A score for the middle of a morph.

A cross-fade passes every smoothness test, since mixing is smooth; what gives it away is that both
ends are still there in the middle. So the middle is explained in two ways, each with a free place
m between the ends and a free gain:

    two sounds   P = (1 - m)^2 P_A + m^2 P_B    the ends' powers (or amplitudes) added
    one sound    the ends' envelope on its way: levels mixed in dB where they stand, or carried
                 along the frequency axis by optimal transport, whichever comes nearer

        level   A   moved    B         level   A  summed   B
          |     ._   _._    _.           |     ._         _.
          |    /  \ /   \  /  \          |    /  \       /  \
          +---------------------- f      +---------------------- f

Both see only the levels of the note's harmonics, where phases and hence interference play little
part. The score is the share of the first explanation's error in both errors: 0 for two sounds
that a sum explains entirely, 1 for one sound on its way.

What is carried is not power but its root: carrying power would follow the one or two strongest
harmonics alone, and the loudness of each harmonic (power^0.3, tried) the floor between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.stft import stft
from timbrel.units import amplitude_to_db, db_to_amplitude, db_to_power, midi_to_hz, power_to_db

TELLING_DB = 3.0
"""Ends nearer than this are too alike: their sum is their middle."""

_FLOOR_DB = -60.0
"""What lies lower is not judged ..."""
_DEEPEST_DB = -110.0
"""... but its shape is carried: a note that has died away was still a note of some colour."""
_MASS_EXPONENT = 0.5
_PLACES = 33
_QUANTILES = 2048


@dataclass(frozen=True)
class Explained:
    """What both explanations of a middle leave unexplained, in mean |dB| over its harmonics."""

    summed_db: float
    moved_db: float


class Ends:
    """Two notes, and everything that could lie between them in either way."""

    def __init__(
        self, a: Float[Tensor, " time"], b: Float[Tensor, " _"], sample_rate: int, pitch: float
    ) -> None:
        self.sample_rate = sample_rate
        self.pitch = pitch
        self.length = min(len(a), len(b))
        ends = [harmonic_levels_db(x[: self.length], sample_rate, pitch) for x in (a, b)]
        self.apart_db = _distance_db(ends[0][None], ends[1]).item()
        self._summed = _sums_db(*ends)
        self._moved = torch.cat([_mixes_db(*ends), _moves_db(*ends)])

    def explain(self, middle: Float[Tensor, " time"]) -> Explained | None:
        """A middle as a sum of the ends, and as one envelope between them.

        Returns:
            Both errors; None where the ends are too alike to tell a sum from a middle.
        """
        if self.apart_db < TELLING_DB:
            return None
        middle = torch.nn.functional.pad(middle, (0, max(0, self.length - len(middle))))
        wanted = harmonic_levels_db(middle[: self.length], self.sample_rate, self.pitch)
        return Explained(
            _distance_db(self._summed, wanted).min().item(),
            _distance_db(self._moved, wanted).min().item(),
        )


def one_sound_score(explained: Sequence[Explained | None]) -> float:
    """Over several middles, how far they are one sound (1) and not two (0); NaN without any.

    Errors add up before the ratio is taken: middles that both ways explain alike hardly count.
    """
    summed = math.fsum(e.summed_db for e in explained if e is not None)
    moved = math.fsum(e.moved_db for e in explained if e is not None)
    return summed / (summed + moved) if summed + moved > 0 else math.nan


def harmonic_levels_db(
    audio: Float[Tensor, " time"], sample_rate: int, pitch: float
) -> Float[Tensor, "harmonics frames"]:
    """Each harmonic's strongest bin in each frame, in dB under the loudest of all, floor -110.

    >>> tone = (torch.arange(16000) * (2 * torch.pi * 440 / 16000)).sin()
    >>> levels_db = harmonic_levels_db(tone, 16000, 69.0)
    >>> levels_db.shape, round(abs(levels_db[0, 20].item())), levels_db[1, 20].item() < -60
    (torch.Size([17, 251]), 0, True)
    """
    f0_hz = midi_to_hz(pitch)
    n_fft = 2 ** math.ceil(math.log2(4 * sample_rate / f0_hz))
    power = stft(audio, n_fft, n_fft // 4).abs().square()
    count = max(1, int(0.475 * sample_rate / f0_hz))
    bins = torch.arange(len(power)) * (sample_rate / n_fft)
    levels = [
        power[((bins / f0_hz - k).abs() <= max(0.25, sample_rate / n_fft / f0_hz))].amax(0)
        for k in range(1, count + 1)
    ]
    together = torch.stack(levels)
    relative = together / together.max().clamp_min(1e-20)
    return power_to_db(relative.clamp_min(1e-20)).clamp_min(_DEEPEST_DB)


def _sums_db(a_db: Tensor, b_db: Tensor) -> Float[Tensor, "places harmonics frames"]:
    """Powers added, as waves of unrelated phase do, and amplitudes added, as equal phases do."""
    m = torch.linspace(0, 1, _PLACES)[:, None, None]
    powers = (1 - m).square() * db_to_power(a_db) + m.square() * db_to_power(b_db)
    amplitudes = (1 - m) * db_to_amplitude(a_db) + m * db_to_amplitude(b_db)
    return torch.cat([power_to_db(powers), amplitude_to_db(amplitudes)])


def _mixes_db(a_db: Tensor, b_db: Tensor) -> Float[Tensor, "places harmonics frames"]:
    return torch.lerp(a_db[None], b_db[None], torch.linspace(0, 1, _PLACES)[:, None, None])


def _moves_db(a_db: Tensor, b_db: Tensor) -> Float[Tensor, "places harmonics frames"]:
    """The envelope of A on its way to that of B.

    On a line, optimal transport pairs equal quantiles: x(u) = (1 - m) x_A(u) + m x_B(u), where x
    is log2 of the harmonic number. A frame's loudest level is mixed in dB.
    """
    edges = (torch.arange(len(a_db) + 1) + 0.5).log2()
    quantiles = [_quantiles(level_db, edges) for level_db in (a_db, b_db)]
    tops = [level_db.amax(0) for level_db in (a_db, b_db)]
    moves = []
    for m in torch.linspace(0, 1, _PLACES).tolist():
        x = torch.lerp(quantiles[0], quantiles[1], m)
        level_db = _density_db(x, edges)
        level_db = level_db - level_db.amax(0) + torch.lerp(tops[0], tops[1], m)
        moves.append(level_db.clamp_min(_DEEPEST_DB))
    return torch.stack(moves)


def _quantiles(level_db: Tensor, edges: Tensor) -> Float[Tensor, "quantiles frames"]:
    """Where on the axis each share of a frame's mass is reached."""
    mass = db_to_power(level_db) ** _MASS_EXPONENT
    reached = torch.cat([torch.zeros_like(mass[:1]), mass.cumsum(0)])
    reached = (reached / reached[-1:]).T.contiguous()
    share = torch.linspace(0, 1, _QUANTILES).expand(len(reached), -1).contiguous()
    right = torch.searchsorted(reached, share).clamp(1, len(edges) - 1)
    low, high = reached.gather(1, right - 1), reached.gather(1, right)
    within = ((share - low) / (high - low).clamp_min(1e-12)).clamp(0, 1)
    return torch.lerp(edges[right - 1], edges[right], within).T


def _density_db(x: Tensor, edges: Tensor) -> Float[Tensor, "harmonics frames"]:
    """The levels whose quantiles are `x`: the share of them between the edges of each harmonic."""
    columns = x.T.contiguous()
    at_edges = torch.searchsorted(columns, edges.expand(len(columns), -1).contiguous())
    at_edges = at_edges.clamp(1, x.shape[0] - 1)
    low, high = columns.gather(1, at_edges - 1), columns.gather(1, at_edges)
    place = at_edges - 1 + ((edges - low) / (high - low).clamp_min(1e-9)).clamp(0, 1)
    mass = place.diff(dim=1).clamp_min(1e-6).T
    return (10 / _MASS_EXPONENT) * mass.log10()


def _distance_db(explained_db: Tensor, wanted_db: Tensor) -> Float[Tensor, " places"]:
    """Mean |dB| over the cells that sound in either, after the gain that makes it least."""
    wanted_db = wanted_db.clamp_min(_FLOOR_DB)
    distances = []
    for level_db in explained_db:
        loud = wanted_db > _FLOOR_DB
        gain_db = (wanted_db - level_db)[loud].median()
        fitted_db = (level_db + gain_db).clamp_min(_FLOOR_DB)
        sounds = loud | (fitted_db > _FLOOR_DB)
        distances.append((fitted_db - wanted_db)[sounds].abs().mean())
    return torch.stack(distances)
