"""The smallest objective that the loop can train, a line through noisy points; also a program:

python toy.py RUN [key.path=value ...]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from timbrel.config import make_settings, with_overrides
from timbrel.errors import TimbrelError
from timbrel.training import LoopSettings, Objective, Phase, TrainingSettings, train


class ToyTraining(TrainingSettings):
    family: str = "toy"
    gan: bool = False
    width: int = 8
    n_items: int = 40
    noise: float = 0.01
    jitter: float = 0.01
    dropout: float = 0.0
    sleep_s: float = 0.0
    spoil_at: int = -1
    loop: LoopSettings = LoopSettings(
        steps=20, batch_size=8, warmup_steps=4, log_every=5, validate_every=10, save_every=10,
        preview_every=10, device="cpu", ema_decay=0.9, learning_rate=0.01,
    )  # fmt: skip


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
        noise = self.noise * torch.randn(x.shape, generator=generator)
        return {"x": x + noise, "y": self.y[indices]}


class ToyObjective(Objective):
    family = "toy"
    at: dict[int, Callable[[], float]]

    def __init__(self, settings: ToyTraining) -> None:
        super().__init__()
        self.settings = settings
        self.at = {}
        width, dropout = settings.width, nn.Dropout(settings.dropout)
        self.network = nn.Sequential(nn.Linear(3, width), nn.Tanh(), dropout, nn.Linear(width, 1))
        self.train_set = Points(settings.n_items, 0, settings.noise)
        self.validation_set = Points(10, 1, 0.0)

    def forward(
        self, batch: dict[str, Tensor], phase: str, generator: torch.Generator
    ) -> dict[str, Tensor]:
        error = (self.network(batch["x"]) - batch["y"]).abs().mean()
        jitter = torch.randn((), generator=generator, device=generator.device)
        loss = error + self.settings.jitter * jitter * self.network[0].weight.square().mean()
        return {"loss": loss if phase == "validate" else loss * self.trouble(), "error": error}

    def trouble(self) -> float:
        """A factor on the loss, after whatever is to happen at this step."""
        time.sleep(self.settings.sleep_s)
        if self.step == self.settings.spoil_at:
            return float("nan")
        return self.at.pop(self.step, lambda: 1.0)()

    def preview(self, folder: Path, step: int) -> None:
        (folder / "step.txt").write_text(str(step), encoding="utf-8")

    def export(self, folder: Path, record: Mapping[str, Any]) -> None:
        save_file(self.network.state_dict(), folder / "weights.safetensors")
        (folder / "README.md").write_text(json.dumps(record), encoding="utf-8")


class ToyGAN(ToyObjective):
    """Two players; `seen` tells which parameters could learn in which phase."""

    phases = (
        Phase("judge", ("judge.",), learning_rate_scale=2.0, betas=(0.0, 0.99)),
        Phase("forge", ("network.",), every=2),
    )

    def __init__(self, settings: ToyTraining) -> None:
        super().__init__(settings)
        self.judge = nn.Linear(1, 1)
        self.seen: dict[str, set[str]] = {}

    def forward(
        self, batch: dict[str, Tensor], phase: str, generator: torch.Generator
    ) -> dict[str, Tensor]:
        learning = {n.partition(".")[0] for n, p in self.named_parameters() if p.requires_grad}
        self.seen.setdefault(phase, set()).update(learning)
        forged = self.judge(self.network(batch["x"])).mean()
        if phase == "judge":
            return {"loss": forged - self.judge(batch["y"]).mean()}
        return {"loss": -forged}


def make_toy(settings: ToyTraining) -> ToyObjective:
    return ToyGAN(settings) if settings.gan else ToyObjective(settings)


def toy_settings(*overrides: str) -> ToyTraining:
    tables = ToyTraining().model_dump()
    return make_settings(ToyTraining, with_overrides(tables, overrides))


def train_toy(
    run: str | Path,
    *overrides: str,
    at: Mapping[int, Callable[[], float]] | None = None,
    made: list[ToyObjective] | None = None,
    **options: Any,
) -> Path:
    """Train; `at` says what happens at which step, `made` receives the objective."""

    def make(settings: ToyTraining) -> ToyObjective:
        objective = make_toy(settings)
        objective.at = dict(at or {})
        if made is not None:
            made.append(objective)
        return objective

    return train(toy_settings(*overrides), run, make_objective=make, **options)


if __name__ == "__main__":
    try:
        print(train_toy(*sys.argv[1:]))
    except TimbrelError as error:
        sys.exit(f"error: {error}")
