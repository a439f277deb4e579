"""How wrong an answer about a patch is.

    knob     cross entropy of being touched
             + |place - truth| / spread + ln(2 spread), where it is: Laplace's
               negative log-likelihood
    switch   cross entropy
    hold     |ln of seconds|

each times what it is worth: more where the knob is heard more, and what the settings say of its
kind. Where a knob cannot be heard in a sound its spread grows, and it pulls at the network no more.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn

from timbrel.config import Settings
from timbrel.instruments.preset.answers import Answer, each_switch, switch_mask
from timbrel.sound import TimbreSpace
from timbrel.synths import UNTOUCHED

_LEAST, _MOST = 0.3, 3.0
"""Bounds of what being heard makes a knob worth, beside the average one."""


class ParameterLossSettings(Settings):
    """What parts of an answer are worth.

    Attributes:
        knobs, switches, hold: of each kind.
        heard: the power of how much a knob is heard that it is worth; 0 makes all alike.
        components: factors for knobs whose names begin so, such as "filter".
    """

    knobs: float = Field(default=1.0, ge=0)
    switches: float = Field(default=1.0, ge=0)
    hold: float = Field(default=0.2, ge=0)
    heard: float = Field(default=0.5, ge=0, le=2)
    components: dict[str, float] = Field(default_factory=dict)


class ParameterLoss(nn.Module):
    """Mean loss over the knobs and switches of patches.

    Args:
        space: of patches.
        settings: what parts are worth.
        heard_db: by how much each knob is heard; all alike where it is empty.
    """

    worth: Tensor
    is_switch: Bool[Tensor, " params"]

    def __init__(
        self,
        space: TimbreSpace,
        settings: ParameterLossSettings | None = None,
        heard_db: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.space, self.settings = space, settings or ParameterLossSettings()
        names = [d.name for d in space.dimensions]
        heard = torch.tensor([(heard_db or {}).get(name, 1.0) for name in names])
        worth = (heard / heard.mean().clamp_min(1e-9)) ** self.settings.heard
        worth = worth.clamp(_LEAST, _MOST)
        for begin, factor in self.settings.components.items():
            worth *= torch.tensor([factor if name.startswith(begin) else 1.0 for name in names])
        self.register_buffer("worth", worth / worth.mean(), persistent=False)
        self.register_buffer("is_switch", switch_mask(space), persistent=False)

    def forward(
        self,
        answer: Answer,
        vectors: Float[Tensor, "batch params"],
        held_s: Float[Tensor, " batch"],
    ) -> dict[str, Tensor]:
        """`loss` and its parts, and the plain figures `knob_mae` and `switch_accuracy`."""
        knobs, chosen = vectors[:, ~self.is_switch], vectors[:, self.is_switch].long()
        touched = ((knobs - answer.rest).abs() > UNTOUCHED).to(knobs)
        doubt = nn.functional.binary_cross_entropy_with_logits(
            answer.touched, touched, reduction="none"
        )
        away = (answer.place - knobs).abs() / answer.spread + (2 * answer.spread).log()
        knob_loss = ((doubt + touched * away) * self.worth[~self.is_switch]).mean()
        logits = each_switch(self.space, answer.logits)
        crosses = [
            nn.functional.cross_entropy(part, right)
            for part, right in zip(logits, chosen.unbind(1), strict=True)
        ]
        cross = torch.stack(crosses) if crosses else knobs.new_zeros(1)
        switch_loss = (cross * self.worth[self.is_switch]).mean() if crosses else cross.mean()
        hold_loss = (answer.held_s.clamp_min(0.01) / held_s).log().abs().mean()
        weights = self.settings
        right = [
            (part.argmax(-1) == of).float().mean()
            for part, of in zip(logits, chosen.unbind(1), strict=True)
        ]
        return {
            "loss": weights.knobs * knob_loss
            + weights.switches * switch_loss
            + weights.hold * hold_loss,
            "knob_loss": knob_loss.detach(),
            "switch_loss": switch_loss.detach(),
            "hold_loss": hold_loss.detach(),
            "knob_mae": (answer.knobs - knobs).abs().detach().mean(),
            "switch_accuracy": torch.stack(right).mean() if right else knobs.new_ones(()),
        }


def triplet_loss(
    points: Float[Tensor, "batch size"], patch: Tensor, margin: float
) -> Float[Tensor, ""]:
    """Each sound shall lie nearer to another of its patch than to any of another, by a margin.

    For each the nearest of another patch among those that are further away than its own partner
    (semi-hard: Schroff et al. 2015, FaceNet, sec. 3.2), or else the nearest of all. Sounds without
    a partner in the batch count for nothing.

    >>> points = torch.eye(4)[[0, 0, 1, 1]]
    >>> triplet_loss(points, torch.tensor([0, 0, 1, 1]), 0.2).item()
    0.0
    """
    apart = torch.cdist(points, points)
    same = patch[:, None] == patch[None]
    itself = torch.eye(len(points), dtype=torch.bool, device=points.device)
    partner = (apart.masked_fill(~same | itself, -1.0)).amax(1)
    others = apart.masked_fill(same, torch.inf)
    further = others.masked_fill(others <= partner[:, None], torch.inf).amin(1)
    other = torch.where(further.isfinite(), further, others.amin(1))
    counts = (partner >= 0) & other.isfinite()
    loss = torch.where(counts, (partner - other + margin).clamp_min(0.0), 0.0)
    return loss.sum() / counts.sum().clamp_min(1)
