"""The whole state of a run as one safetensors file: tensors by name, and facts as JSON beside them.

One file is written under another name and renamed, so whatever kills the process, there is the
state before or the state after and nothing else. No pickle is involved. Random generators are not
in it: they are seeded anew at each step from (seed, step, rank), see `batches.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from typing_extensions import TypedDict

from timbrel.errors import BadModel
from timbrel.files import replacing

Facts = dict[str, Any]


class RunFacts(TypedDict):
    """The facts of a run's state; see `Training.facts`, which says them."""

    step: Annotated[int, Field(ge=0)]
    seconds: float
    window: dict[str, tuple[float, float]]
    losses: dict[str, float]
    validation: dict[str, float]
    best: tuple[int, float] | None
    scaler: dict[str, Any]
    threads: Annotated[int, Field(ge=1, le=1024)]
    torch: str
    device: str
    processes: int
    origin: str | None


_RUN_FACTS = TypeAdapter(RunFacts)


def write_state(path: Path, tensors: Mapping[str, Tensor], facts: Facts) -> None:
    """Write tensors and facts whole or not at all."""
    owned = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        # `save_file` would make a file that only its owner may read.
        temporary.write_bytes(save(owned, metadata={"facts": json.dumps(facts)}))


def read_state(path: Path) -> tuple[dict[str, Tensor], Facts]:
    """The tensors (on the CPU) and facts of a state file.

    Raises:
        BadModel: the file is damaged.
    """
    with _opened(path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, json.loads(file.metadata()["facts"])


def read_facts(path: Path) -> Facts:
    """The facts of a state file alone, without reading its tensors.

    Raises:
        BadModel: the file is damaged.
    """
    with _opened(path) as file:
        return json.loads(file.metadata()["facts"])


def run_facts(path: Path, facts: Facts) -> RunFacts:
    """Facts that are those of a run.

    Raises:
        BadModel: they are not.
    """
    try:
        return _RUN_FACTS.validate_python(facts)
    except ValidationError as error:
        name = ".".join(map(str, error.errors()[0]["loc"])) or "facts"
        raise damaged(path, f"{name} is none of a run's") from None


def damaged(path: Path, what: object) -> BadModel:
    """The error for a state that cannot be gone on from."""
    return BadModel(f"{path} is damaged ({what}): remove it to start the run anew")


@contextmanager
def _opened(path: Path) -> Iterator[safe_open]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise damaged(path, error) from None


def module_tensors(module: nn.Module) -> dict[str, Tensor]:
    """A module's weights and buffers."""
    return {f"weights.{name}": tensor for name, tensor in module.state_dict().items()}


def load_module(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """The inverse of `module_tensors`."""
    module.load_state_dict(_under("weights.", tensors))


def optimizer_tensors(name: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's moments and step counts; its settings are a function of the step."""
    states = optimizer.state_dict()["state"]
    return {f"optimizer.{name}.{i}.{key}": value for i, state in states.items()
            for key, value in state.items()}  # fmt: skip


def load_optimizer(
    name: str, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    """The inverse of `optimizer_tensors`.

    Moments are laid out in memory as their parameters are (channels last, say): the fused kernels
    walk through all of them in storage order, and would pair the wrong numbers otherwise.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    states: dict[int, dict[str, Tensor]] = {}
    for place, tensor in _under(f"optimizer.{name}.", tensors).items():
        index, key = place.split(".", 1)
        like = parameters[int(index)]
        if tensor.shape == like.shape and key != "step":
            tensor = torch.empty_like(like).copy_(tensor)
        states.setdefault(int(index), {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": states, "param_groups": groups})


def misfit(wanted: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> str | None:
    """The first of the wanted tensors that is missing, or of another shape or kind."""
    for name, like in wanted.items():
        tensor = tensors.get(name)
        if tensor is None or tensor.shape != like.shape or tensor.dtype != like.dtype:
            return name
    return None


def optimizer_misfit(
    name: str, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> str | None:
    """The first tensor that is none of this optimiser's: fused kernels trust their shapes."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for place, tensor in _under(f"optimizer.{name}.", tensors).items():
        index, _, key = place.partition(".")
        like = (
            parameters[int(index)] if index.isdecimal() and int(index) < len(parameters) else None
        )
        shape = like.shape if like is not None and key != "step" else ()
        if like is None or tensor.shape != shape or not tensor.is_floating_point():
            return f"optimizer.{name}.{place}"
    return None


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
