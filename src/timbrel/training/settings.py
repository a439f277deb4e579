"""Settings of a training run that every family shares; a family's own ones extend them.

A family writes `class MyTraining(TrainingSettings)` with `data`, `model` and `objective` tables
beside `loop` and `log`, so that one strict model covers the whole file and errors can name the
full key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from timbrel.config import Settings, Size

Tracker = Literal["tensorboard", "mlflow", "wandb"]
Count = Annotated[int, Field(ge=1)]
PerStep = Annotated[int, Field(ge=1, le=65_536)]
Processes = Annotated[int, Field(ge=1, le=1024)]
Natural = Annotated[int, Field(ge=0)]
Threads = Annotated[int, Field(ge=0, le=1024)]
Seed = Annotated[int, Field(ge=0, lt=2**62)]


class LoopSettings(Settings):
    """How the loop runs.

    Attributes:
        steps: optimiser steps in all.
        batch_size: items per process and accumulated batch.
        accumulate: batches whose gradients add up to one step.
        learning_rate: its peak.
        warmup_steps: linear rise from 0.
        schedule: what follows the rise: a cosine or a line down to `final_learning_rate`, or none.
        final_learning_rate: as a share of the peak.
        weight_decay: AdamW's, on matrices and kernels only.
        clip_norm: largest gradient norm; 0 does not clip.
        precision: "bf16" and "fp16" are mixed; "fp16" needs CUDA.
        device: "auto" is CUDA, else Apple's MPS, else the CPU.
        devices: processes on this machine, one per GPU; more than one trains data-parallel.
        nodes: machines, under torchrun or SLURM.
        threads: of torch in each process; 0 leaves it as it is.
        workers: threads that make batches ahead; 0 makes them in line.
        seed: of everything.
        deterministic: ask torch for repeatable kernels, so that resuming on a GPU is exact too.
        ema_decay: of the averaged weights that are validated and exported; 0 averages none.
        log_every: steps averaged into one row of the log.
        validate_every, save_every, preview_every, keep_every: in steps; 0 is never.
        export: the weights that become the model.
    """

    steps: Count = 10_000
    batch_size: PerStep = 32
    accumulate: PerStep = 1
    learning_rate: Annotated[float, Field(gt=0, lt=10)] = 1e-3
    warmup_steps: Natural = 100
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    final_learning_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    clip_norm: Annotated[float, Field(ge=0)] = 1.0
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: Processes = 1
    nodes: Processes = 1
    threads: Threads = 0
    workers: Threads = 1
    seed: Seed = 0
    deterministic: bool = True
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    log_every: Count = 20
    validate_every: Natural = 500
    save_every: Natural = 500
    preview_every: Natural = 2000
    keep_every: Natural = 0
    export: Literal["last", "best"] = "last"


class LogSettings(Settings):
    """Where the numbers go beside the CSV file, which is always written.

    Attributes:
        trackers: any of "tensorboard", "mlflow", "wandb".
        project: the name of the project (W&B) or experiment (MLflow).
        media: whether previews go to the trackers, which all take sound and pictures.
    """

    trackers: tuple[Tracker, ...] = ()
    project: str = "timbrel"
    media: bool = True


class TrainingSettings(Settings):
    """The tables that all families share.

    Attributes:
        family: what is trained, as the registry calls it.
        size: the one dial of the model's size.
        tuning: what of the loop is set otherwise where a model goes on with other sounds.
    """

    tuning: ClassVar[Mapping[str, Any]] = {}

    family: str
    size: Size = "small"
    loop: LoopSettings = LoopSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="before")
    @classmethod
    def _one_size(cls, tables: Any) -> Any:
        """One dial: the model is as large as the training says."""
        if "model" not in cls.model_fields or not isinstance(tables, dict):
            return tables
        model = tables.get("model", {})
        if not isinstance(model, dict):
            return tables
        size = tables.get("size", cls.model_fields["size"].default)
        if model.get("size", size) != size:
            raise ValueError(f"size = {size!r} and model.size = {model['size']!r}: set size")
        return tables | {"model": {"size": size} | model}
