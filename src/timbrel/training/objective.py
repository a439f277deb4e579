"""What a family is trained for: losses, the sets they are computed on, and how the result is kept.

The loop (`training/running/loop.py`) knows nothing of sounds, and an objective nothing of devices,
precision, processes or files of a run. The whole objective is one `nn.Module` whose `forward`
computes losses, so that autocast and DDP reach everything inside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor, nn

from timbrel.instruments.model_folder import read_weights

Batch = Any
"""What `TrainingSet.batch` makes: a tensor, or tensors in tuples, dicts or dataclasses."""


@dataclass(frozen=True)
class Phase:
    """One optimiser's share of a step; a GAN has two.

    Attributes:
        name: what `Objective.forward` is told.
        parameters: prefixes of the names of the parameters that this phase optimises; the others
            are frozen while it runs. ("",) is all of them.
        learning_rate_scale: factor on the loop's learning rate.
        betas: AdamW's.
        every: the phase runs at each `every`-th step.
    """

    name: str = "train"
    parameters: tuple[str, ...] = ("",)
    learning_rate_scale: float = 1.0
    betas: tuple[float, float] = (0.9, 0.999)
    every: int = 1


@runtime_checkable
class TrainingSet(Protocol):
    """A map-style set that makes a whole batch at once, so that sets in memory are fast.

    A batch must be a pure function of its arguments, and may be asked for from another thread.
    """

    def __len__(self) -> int: ...

    def batch(self, indices: Int[Tensor, " batch"], generator: torch.Generator) -> Batch:
        """The items at these indices, on the CPU; `generator` is of the augmentation."""
        ...


class Objective(nn.Module, ABC):
    """Losses, sets, previews and export of one family.

    Attributes:
        family: as the registry calls it.
        network: what is played in the end; `export` keeps it and fine-tuning starts from it.
        phases: run in this order within each step, on the same batch.
        train_set: what is trained on.
        validation_set: what the best weights are chosen by; None keeps the last ones only.
        step: steps done so far; the loop sets it before each step.
        banks_at_export: whether `export` makes all that is not weights from the train set alone.
        progress: the share of all steps that is done, in [0, 1]: for schedules of one's own.
    """

    family: ClassVar[str] = ""
    banks_at_export: ClassVar[bool] = False
    phases: tuple[Phase, ...] = (Phase(),)
    network: nn.Module
    train_set: TrainingSet
    validation_set: TrainingSet | None = None
    step: int = 0
    progress: float = 0.0

    @abstractmethod
    def forward(self, batch: Batch, phase: str, generator: torch.Generator) -> dict[str, Tensor]:
        """Scalar losses of a batch, each a mean over it: "loss" is optimised, all are logged.

        Args:
            batch: of the train or the validation set, on the module's device.
            phase: the phase's name; "validate" on the validation set.
            generator: of this step's randomness, on the batch's device.
        """

    @abstractmethod
    def export(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Write a model: config.toml, weights.safetensors, README.md (and a bank, if any).

        Args:
            folder: an empty folder; it is renamed to its place when this returns.
            record: how the training went, as `TrainingRecord.as_dict` gives it.
        """

    def preview(self, folder: Path, step: int) -> None:
        """Write audio (.wav) and pictures (.png) of what the weights can do; or none."""

    def start_from(self, folder: Path) -> None:
        """Take over the weights of a model folder, to fine-tune them.

        Raises:
            BadModel: there are no weights, or they cannot be used.
        """
        read_weights(folder, self.network)
