"""How a training went: what a model card says of it, and what the benches read back."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from timbrel.files import replacing


@dataclass(frozen=True)
class TrainingRecord:
    """One run in a few facts.

    Attributes:
        family: what was trained.
        steps: done.
        minutes: spent in steps, validation and previews, over all sittings.
        items: training items used, counted as often as they were.
        losses: means over the last window of the log, by name.
        validation: the last validation's losses, of the averaged weights.
        best_step, best_loss: where the validation loss was least.
        device: its name.
        processes, threads: how many, the latter in each process.
        precision: "fp32", "bf16" or "fp16".
        command: what was typed.
        versions: of timbrel, torch and Python.
    """

    family: str
    steps: int
    minutes: float
    items: int
    losses: dict[str, float]
    validation: dict[str, float]
    best_step: int | None
    best_loss: float | None
    device: str
    processes: int
    threads: int
    precision: str
    command: str
    versions: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON would hold it."""
        return asdict(self)

    def write(self, path: Path) -> None:
        """As JSON, whole or not at all."""
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(self.as_dict(), indent=2) + "\n", encoding="utf-8")


def device_name(device: torch.device) -> str:
    """What a reader would call the device.

    >>> bool(device_name(torch.device("cpu")))
    True
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpu = _cpu_model()
    return f"{cpu} (MPS)" if device.type == "mps" else cpu


def versions() -> dict[str, str]:
    """The versions that results depend on."""
    return {
        "timbrel": version("timbrel"),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def typed_command() -> str:
    """The command line, by the program's name and not its path."""
    program = Path(sys.argv[0]).name
    # as `python -m timbrel` has it
    return " ".join(["timbrel" if program == "__main__.py" else program, *sys.argv[1:]])


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(x.partition(":")[2].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
