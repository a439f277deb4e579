"""What is learned of a synthesizer: which knobs make a sound, and which patches sound alike.

    mel 128 x 345, and the same along the harmonics of the pitch that is heard
      -> four convolutions, 1/16 of the bands, 1/8 of the frames ---+
    pitch, clearness, loudness, means over 8 frames ----------------+-> BiLSTM
    the sound as a whole (`overview`) ----------------------------------|---+
      -> 128 numbers: the whole, the BiLSTM's ends, what it attends to, means and maxima of what
         goes into it
           -> predictor: knobs, a place and how unsure; odds of switches; when the key came up
           -> tone matcher: a point near those of the same patch, whatever is played with it
    patch, descriptors of its sound -> recommender (`recommender`)

What it says of knobs is odds and distributions (`answers`), from which `matching` draws other
candidates than the likeliest.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from timbrel.config import Settings, Size
from timbrel.instruments.preset.answers import Answer, answer_of, n_said
from timbrel.instruments.preset.hearing.heard import (
    LENGTH_S,
    N_CURVES,
    SCALE,
    Heard,
    along_harmonics,
)
from timbrel.instruments.preset.hearing.overview import N_OVERVIEW, overview
from timbrel.instruments.preset.recommender import Recommender
from timbrel.nn import pitch_features
from timbrel.nn.conv import ChannelNorm
from timbrel.nn.features import N_PITCH_FEATURES
from timbrel.synths import Parameters, load_synth

_KERNELS = ((5, 7), (3, 3), (3, 3), (3, 3))
_STRIDES = ((2, 4), (2, 2), (2, 1), (2, 1))
"""Wide first: three quarters of the time would go to frames that say the same."""

_FRAMES_EACH, _BANDS_EACH = 8, 16
_FURTHEST, _NEAREST = 4.0, 0.05
"""Standardised numbers are clipped to the first; no standard deviation is below the second."""

_FORGOTTEN = 0.2
"""Share of what the overview says that is dropped in training."""

_WIDTHS: dict[Size, tuple[int, ...]] = {
    "tiny": (4, 8, 8, 8), "small": (16, 24, 32, 48), "base": (32, 48, 64, 96),
}  # fmt: skip


class PresetSettings(Settings):
    """A synthesizer, and the networks that know it.

    Attributes:
        synth: name of the synthesizer, or path of a plug-in.
        size: one dial for the convolutions' widths.
        latent: numbers that a sound is reduced to.
        point: numbers that tones are compared by.
        code: numbers that the recommender reduces a patch to.
    """

    synth: str = "subtractive"
    size: Size = "small"
    latent: int = Field(default=128, ge=2, le=1024, multiple_of=2)
    point: int = Field(default=64, ge=2, le=1024)
    code: int = Field(default=12, ge=1, le=256)


class Listener(nn.Module):
    """Mels and curves -> as many numbers as asked for.

    Args:
        size: how wide the convolutions are.
        width: how many numbers.

    Attributes:
        mean, std: of each number of an overview, over sounds.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, size: Size, width: int) -> None:
        super().__init__()
        channels = _WIDTHS[size]
        self.convolutions = nn.ModuleList(map(_convolution, (2, *channels), channels, range(4)))
        heights = channels[-1] * (SCALE.n_mels // _BANDS_EACH)
        self.flatten = nn.Linear(heights, width)
        self.recurrent = nn.LSTM(width + N_CURVES, width // 2, batch_first=True, bidirectional=True)
        self.attention = nn.Linear(width, 1)
        self.register_buffer("mean", torch.zeros(N_OVERVIEW))
        self.register_buffer("std", torch.ones(N_OVERVIEW))
        self.whole = nn.Sequential(
            nn.Linear(N_OVERVIEW, 3 * width // 2), nn.SiLU(), nn.Dropout(_FORGOTTEN)
        )
        self.summary = nn.Linear(4 * width + 3 * width // 2, width)

    @torch.no_grad()
    def learn_statistics(self, sounds: Iterable[Heard]) -> None:
        """Take means and deviations from sounds."""
        numbers = torch.cat([overview(some, along_harmonics(some)) for some in sounds])
        self.mean.copy_(numbers.mean(0))
        self.std.copy_(numbers.std(0, correction=0).clamp_min(_NEAREST))

    def forward(self, heard: Heard) -> Float[Tensor, "batch width"]:
        """What a sound is reduced to."""
        along = along_harmonics(heard)
        x = torch.stack([heard.mel, along], dim=1)
        x = x.contiguous(memory_format=torch.channels_last)
        for convolution in self.convolutions:
            x = convolution(x)
        frames = self.flatten(x.flatten(1, 2).transpose(1, 2)).relu()
        curves = nn.functional.avg_pool1d(heard.curves, _FRAMES_EACH, ceil_mode=True)
        said, (ends, _) = self.recurrent(torch.cat([frames, curves.transpose(1, 2)], dim=-1))
        weight = self.attention(said).softmax(dim=1)
        standard = ((overview(heard, along) - self.mean) / self.std).clamp(-_FURTHEST, _FURTHEST)
        told = [(weight * said).sum(1), *ends, frames.mean(1), frames.amax(1), self.whole(standard)]
        return nn.functional.silu(self.summary(torch.cat(told, dim=-1)))


def _convolution(before: int, after: int, number: int) -> nn.Sequential:
    """The first is not normalised: how loud its frames are is what they say."""
    kernel, stride = _KERNELS[number], _STRIDES[number]
    padding = (kernel[0] // 2, kernel[1] // 2)
    norm = [ChannelNorm(after)] if number else []
    return nn.Sequential(nn.Conv2d(before, after, kernel, stride, padding), *norm, nn.ReLU())


class Predictor(nn.Module):
    """What a sound is reduced to -> the patch.

    Args:
        width: of what it is reduced to.
        parameters: of the synthesizer.
    """

    rest: Tensor

    def __init__(self, width: int, parameters: Parameters) -> None:
        super().__init__()
        self.register_buffer("rest", parameters.defaults[~parameters.is_switch], persistent=False)
        self.hidden = nn.Sequential(
            nn.Linear(width + N_PITCH_FEATURES, 3 * width),
            nn.SiLU(),
            nn.Linear(3 * width, 3 * width),
            nn.SiLU(),
        )
        self.answer = nn.Linear(3 * width, n_said(parameters.space) + 1)

    def forward(
        self, latent: Float[Tensor, "batch width"], pitch: Float[Tensor, " batch"]
    ) -> Answer:
        """What is said of knobs and switches, and when the key came up.

        Args:
            latent: what sounds are reduced to.
            pitch: MIDI number of the key, which is not the pitch that is heard of a patch that
                transposes.
        """
        known = torch.cat([latent, pitch_features(pitch)], dim=-1)
        said = self.answer(self.hidden(known)).float()
        return answer_of(said[:, :-1], self.rest, LENGTH_S * said[:, -1].sigmoid())


class ToneMatcher(nn.Module):
    """What a sound is reduced to -> a point on a sphere, near those of the same patch.

    Both sounds of a comparison go through the same weights (a Siamese network). It shares the
    predictor's ear.

    Args:
        width: of what a sound is reduced to.
        size: numbers of a point.
    """

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.size = size
        self.layers = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, size))

    def forward(self, latent: Float[Tensor, "batch width"]) -> Float[Tensor, "batch size"]:
        """Points of length 1."""
        return nn.functional.normalize(self.layers(latent).float(), dim=-1)


class PresetNetwork(nn.Module):
    """All that is learned of a synthesizer.

    Args:
        settings: how large it is.
        parameters: of the synthesizer; it is asked where they are not given.
    """

    def __init__(self, settings: PresetSettings, parameters: Parameters | None = None) -> None:
        super().__init__()
        parameters = parameters or load_synth(settings.synth).parameters
        self.listener = Listener(settings.size, settings.latent)
        self.predictor = Predictor(settings.latent, parameters)
        self.matcher = ToneMatcher(settings.latent, settings.point)
        self.recommender = Recommender(parameters, settings.code, 2 * settings.latent)

    def answer(self, heard: Heard, pitch: Float[Tensor, " batch"]) -> Answer:
        """What it says of the patches behind sounds played by keys."""
        return self.predictor(self.listener(heard), pitch)

    def point(self, heard: Heard) -> Float[Tensor, "batch size"]:
        """Where sounds lie among others, for the tone matcher."""
        return self.matcher(self.listener(heard))
