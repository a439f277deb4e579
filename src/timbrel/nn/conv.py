"""Two-dimensional convolutional blocks over [batch channels bands frames]."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each place alone.

    Group norm would let every frame see how many others there are; here a stretch of a note is
    decoded as it is within the whole.
    """

    def forward(self, x: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """`x` with mean 0 and variance 1 over the channels of each place, scaled and shifted."""
        # Free of copies in the channels-last layout, which is how convolutions like it too.
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Refine(nn.Module):
    """A residual 3x3 convolution: x + conv(silu(norm(x)))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.conv.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h w"]:
        """`x`, refined."""
        return x + self.conv(nn.functional.silu(self.norm(x)))


class Down(nn.Module):
    """Half as many bands and frames: a strided convolution, refined."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.halve = nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1)
        self.refine = Refine(channels_out)

    def forward(self, x: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c2 h2 w2"]:
        """`x` at half its resolution."""
        return self.refine(self.halve(x))


class Up(nn.Module):
    """Twice as many bands (and, unless told not to, frames), told where it is and what to be.

        x -> transposed convolution -> + bands(where in pitch) + frames(where in time)
          -> norm -> scaled and shifted by the condition (FiLM, arXiv 1709.07871) -> refined

    Adding one projection of the band features and one of the frame features costs next to
    nothing beside concatenating them: neither is ever spread over the whole plane.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        n_condition: int,
        n_band_features: int,
        n_frame_features: int,
        frames: bool = True,
    ) -> None:
        super().__init__()
        kernel, stride = ((4, 4), (2, 2)) if frames else ((4, 3), (2, 1))
        self.enlarge = nn.ConvTranspose2d(channels_in, channels_out, kernel, stride, padding=1)
        self.bands = nn.Conv1d(n_band_features, channels_out, 1)
        self.frames = nn.Conv1d(n_frame_features, channels_out, 1)
        self.norm = ChannelNorm(channels_out)
        self.film = nn.Linear(n_condition, 2 * channels_out)
        self.conv = nn.Conv2d(channels_out, channels_out, 3, padding=1)

    def forward(
        self,
        x: Float[Tensor, "batch c h w"],
        condition: Float[Tensor, "batch condition"],
        band_features: Float[Tensor, "batch bf h2"],
        frame_features: Float[Tensor, "batch ff w2"],
    ) -> Float[Tensor, "batch c2 h2 w2"]:
        """`x` at twice its resolution."""
        x = self.enlarge(x)
        x = x + self.bands(band_features)[..., None] + self.frames(frame_features)[:, :, None]
        scale, shift = self.film(condition)[..., None, None].chunk(2, dim=1)
        return x + self.conv(nn.functional.silu(self.norm(x) * (1 + scale) + shift))
