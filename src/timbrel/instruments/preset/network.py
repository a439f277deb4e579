"""What is learned of a synthesizer: which knobs make a sound (document 001's predictor).

    mel 128 x 345 -> four convolutions, 1/16 of the bands, 1/8 of the frames --+
    pitch, clearness, loudness, means over 8 frames ---------------------------+-> BiLSTM
      -> 128 numbers: its ends, and what it attends to -> knobs: a place and how unsure
                                                       -> switches: odds of each choice
                                                       -> when the key came up

A knob's answer is a Laplace distribution: what cannot be heard in a sound (the rate of a vibrato
of no depth) may be answered with "anything", costs little and pulls at nothing else, and `matching`
draws other candidates from it.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from timbrel.config import Settings, Size
from timbrel.instruments.preset.answers import Answer, n_choices, switches
from timbrel.instruments.preset.hearing import LENGTH_S, N_CURVES, SCALE, Heard
from timbrel.nn import pitch_features
from timbrel.nn.conv import ChannelNorm
from timbrel.nn.features import N_PITCH_FEATURES
from timbrel.sound import Kind, TimbreSpace

_STRIDES = ((2, 2), (2, 2), (2, 1), (2, 2))
_FRAMES_EACH, _BANDS_EACH = 8, 16
_WIDTHS: dict[Size, tuple[int, ...]] = {
    "tiny": (4, 8, 8, 8), "small": (24, 48, 64, 96), "base": (32, 64, 96, 160),
}  # fmt: skip
_SPREADS = (0.005, 1.0)
"""No knob is known better, nor worse, than these of its way."""


class PredictorSettings(Settings):
    """What the predictor looks like.

    Attributes:
        size: one dial for the convolutions' widths.
        latent: numbers that a sound is reduced to.
    """

    size: Size = "small"
    latent: int = Field(default=128, ge=2, le=1024, multiple_of=2)


class Listener(nn.Module):
    """Mels and curves -> as many numbers as asked for.

    Args:
        size: how wide the convolutions are.
        width: how many numbers.
    """

    def __init__(self, size: Size, width: int) -> None:
        super().__init__()
        channels = _WIDTHS[size]
        self.convolutions = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(before, after, 3, stride=stride, padding=1), ChannelNorm(after), nn.SiLU()
            )
            for before, after, stride in zip((1, *channels), channels, _STRIDES, strict=False)
        )
        heights = channels[-1] * (SCALE.n_mels // _BANDS_EACH)
        self.flatten = nn.Linear(heights, width)
        self.recurrent = nn.LSTM(width + N_CURVES, width // 2, batch_first=True, bidirectional=True)
        self.attention = nn.Linear(width, 1)
        self.summary = nn.Linear(2 * width, width)

    def forward(self, heard: Heard) -> Float[Tensor, "batch width"]:
        """What a sound is reduced to."""
        x = heard.mel[:, None].contiguous(memory_format=torch.channels_last)
        for convolution in self.convolutions:
            x = convolution(x)
        frames = nn.functional.silu(self.flatten(x.flatten(1, 2).transpose(1, 2)))
        curves = nn.functional.avg_pool1d(heard.curves, _FRAMES_EACH, ceil_mode=True)
        said, (ends, _) = self.recurrent(torch.cat([frames, curves.transpose(1, 2)], dim=-1))
        weight = self.attention(said).softmax(dim=1)
        both = torch.cat([(weight * said).sum(1), ends.transpose(0, 1).flatten(1)], dim=-1)
        return nn.functional.silu(self.summary(both))


class Predictor(nn.Module):
    """What is heard of a sound -> the patch.

    Args:
        settings: how large it is.
        space: of the synthesizer's patches.
    """

    def __init__(self, settings: PredictorSettings, space: TimbreSpace) -> None:
        super().__init__()
        self.space = space
        self.n_knobs = sum(d.kind is Kind.RANGE for d in space.dimensions)
        choices = sum(map(n_choices, switches(space)))
        self.listener = Listener(settings.size, settings.latent)
        self.hidden = nn.Linear(settings.latent + N_PITCH_FEATURES, 2 * settings.latent)
        self.answer = nn.Linear(2 * settings.latent, 2 * self.n_knobs + choices + 1)

    def forward(self, heard: Heard, pitch: Float[Tensor, " batch"]) -> Answer:
        """Places and spreads of knobs, odds of switches, and when the key came up.

        Args:
            heard: sounds.
            pitch: MIDI number of the key, which is not the pitch that is heard of a patch that
                transposes.
        """
        latent = torch.cat([self.listener(heard), pitch_features(pitch)], dim=-1)
        hidden = nn.functional.silu(self.hidden(latent))
        said = self.answer(hidden).float()
        place, spread = said[:, : 2 * self.n_knobs].chunk(2, dim=-1)
        held_s = LENGTH_S * said[:, -1].sigmoid()
        low, high = _SPREADS
        spread = low * (high / low) ** spread.sigmoid()
        logits = said[:, 2 * self.n_knobs : -1]
        return Answer(place.sigmoid(), spread, logits, held_s)
