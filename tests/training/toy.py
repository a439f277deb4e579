"""The smallest objective that the loop can train: a line through noisy points."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from timbrel.training import Objective, Phase, TrainingSettings


class ToyTraining(TrainingSettings):
    family: str = "toy"
    width: int = 8
    n_items: int = 40
    spoil_at: int = -1
    slow_s: float = 0.0


class Points:
    def __init__(self, n_items: int, seed: int, noise: float) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.x = torch.randn(n_items, 3, generator=generator)
        self.y = self.x @ torch.tensor([[1.0], [-2.0], [0.5]])
        self.noise = noise

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, indices: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        x = self.x[indices]
        return {
            "x": x + self.noise * torch.randn(x.shape, generator=generator),
            "y": self.y[indices],
        }


class ToyObjective(Objective):
    family = "toy"

    def __init__(self, settings: ToyTraining, noise: float = 0.01, dropout: float = 0.0) -> None:
        super().__init__()
        self.settings = settings
        self.network = nn.Sequential(
            nn.Linear(3, settings.width),
            nn.Tanh(),
            nn.Dropout(dropout),
            nn.Linear(settings.width, 1),
        )
        self.train_set = Points(settings.n_items, 0, noise)
        self.validation_set = Points(10, 1, 0.0)

    def forward(self, batch, phase: str, generator: torch.Generator) -> dict[str, Tensor]:
        import time

        if self.settings.slow_s and phase == "train":
            time.sleep(self.settings.slow_s)
        jitter = 0.001 * torch.randn((), generator=generator, device=generator.device)
        error = (self.network(batch["x"]) - batch["y"]).abs().mean()
        loss = error + jitter * self.network[0].weight.square().mean()
        if self.step == self.settings.spoil_at and phase == "train":
            loss = loss * float("nan")
        return {"loss": loss, "error": error}

    def preview(self, folder: Path, step: int) -> None:
        (folder / "step.txt").write_text(str(step))

    def export(self, folder: Path, record: Mapping[str, Any]) -> None:
        save_file(self.network.state_dict(), folder / "weights.safetensors")
        (folder / "README.md").write_text(json.dumps(record))


class ToyGAN(ToyObjective):
    """Two players, to see that each phase moves its own."""

    phases = (
        Phase("judge", ("judge.",), learning_rate_scale=2.0, betas=(0.0, 0.99)),
        Phase("forge", ("network.",), every=2),
    )

    def __init__(self, settings: ToyTraining) -> None:
        super().__init__(settings)
        self.judge = nn.Linear(1, 1)

    def forward(self, batch, phase: str, generator: torch.Generator) -> dict[str, Tensor]:
        forged = self.judge(self.network(batch["x"])).mean()
        if phase == "judge":
            return {"loss": forged - self.judge(batch["y"]).mean()}
        return {"loss": -forged}
