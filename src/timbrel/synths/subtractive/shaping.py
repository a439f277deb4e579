"""What is done to the mixed oscillators, sample by sample: drive, filter, and a bound to the level.

Defined on tensors, in double precision; `chain` does the same for many notes at once.
"""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

DC_HZ = 8.0
"""Below this nothing passes: ring modulation, sync and drive make DC."""

KNEE = 0.6
"""From here on the level is bent, so that it never gets to 1."""

_Sound = Float64[Tensor, "notes time"]
_Number = Float64[Tensor, "notes 1"]


def driven(sound: _Sound, gain: _Number, mix: _Number, make_up: _Number) -> _Sound:
    """Saturated by x / sqrt(1 + x^2), averaged over the way from each sample to the next.

    That average (Parker, Zavalishin and Le Bivic 2016) folds far less above Nyquist. Of this curve
    it is (x + x') / (sqrt(1 + x^2) + sqrt(1 + x'^2)), which never divides by a difference.
    """
    x = sound * gain
    root = (1 + x * x).sqrt()
    before = torch.nn.functional.pad(x, (1, 0))[:, :-1]
    root_before = torch.nn.functional.pad(root, (1, 0), value=1.0)[:, :-1]
    bent = (x + before) / (root + root_before)
    return sound + mix * (make_up * bent - sound)


def filtered(
    sound: _Sound, cutoff: _Sound, damping: _Sound, weights: tuple[_Number, ...]
) -> _Sound:
    """Two state-variable filters, the second one behind the first one's low-pass.

    Their integrals are trapezoids, solved without a delay in the loop (Zavalishin 2012), so that
    the cutoff may move at every sample.

    Args:
        sound: what is filtered.
        cutoff: tan(pi cutoff / sample rate).
        damping: of the first one, 1 / Q; the second is a plain one.
        weights: how much is heard of low-pass, band-pass, high-pass, and of the second low-pass.
    """
    low_weight, band_weight, high_weight, second_weight = (w[:, 0] for w in weights)
    zero = torch.zeros(len(sound), dtype=sound.dtype)
    a = b = c = d = zero
    out = []
    for x, g, k in zip(sound.unbind(1), cutoff.unbind(1), damping.unbind(1), strict=True):
        band, low, a, b = _svf(x, g, k, a, b)
        _, low_24, c, d = _svf(low, g, SECOND_DAMPING, c, d)
        high = x - k * band - low
        heard = low_weight * low + band_weight * band
        out.append(heard + high_weight * high + second_weight * low_24)
    return torch.stack(out, 1)


SECOND_DAMPING = 1.4


def _svf(
    x: Tensor, g: Tensor, k: Tensor | float, a: Tensor, b: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    band = (a + g * (x - b)) / (1 + g * (g + k))
    low = b + g * band
    return band, low, 2 * band - a, 2 * low - b


def without_dc(sound: _Sound, sample_rate: int) -> _Sound:
    """Above `DC_HZ`."""
    keep = dc_keep(sample_rate)
    return sound - smoothed(sound, torch.full((len(sound), 1), 1 - keep, dtype=sound.dtype))


def dc_keep(sample_rate: int) -> float:
    """What the mean keeps of itself in a sample."""
    return float(torch.exp(torch.tensor(-2 * torch.pi * DC_HZ / sample_rate, dtype=torch.float64)))


def bounded(sound: _Sound) -> _Sound:
    """The same below `KNEE`, and never 1."""
    over = (sound.abs() - KNEE).clamp(min=0)
    return sound.clamp(-KNEE, KNEE) + sound.sign() * over / (1 + over / (1 - KNEE))


def smoothed(sound: _Sound, share: _Number) -> _Sound:
    """Y += share (x - y) at each sample, from 0."""
    smoother, last, out = Smoother(share), torch.zeros(len(sound), 1, dtype=sound.dtype), []
    for block in sound.split(Smoother.SIZE, 1):
        out.append(smoother(block, last))
        last = out[-1][:, -1:]
    return torch.cat(out, 1)


class Smoother:
    """The same from a last value on, block by block: each is a product with one triangle."""

    SIZE = 128

    def __init__(self, share: _Number) -> None:
        number = torch.arange(self.SIZE)
        apart = number[:, None] - number
        keep = (1 - share).clamp(min=1e-12)
        self._decay = keep ** (number + 1)
        powers = keep**number
        self._triangle = torch.where(apart >= 0, share[..., None] * powers[:, apart.abs()], 0.0)

    def __call__(self, block: _Sound, last: _Number) -> _Sound:
        """At most `SIZE` samples."""
        n = block.shape[1]
        made = torch.einsum("nts,ns->nt", self._triangle[:, :n, :n], block)
        return made + self._decay[:, :n] * last
