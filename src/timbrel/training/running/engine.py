"""The engine under the loop: a Lightning Fabric for the settings and for whoever launched us.

Processes come from us (`loop.devices` > 1: Fabric starts this command again for each rank), from
torchrun or SLURM (whose environment tells how many), or from `fabric run`, which has made them
already. All of them run the same loop.
"""

from __future__ import annotations

import gc
import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import SLURMEnvironment
from lightning_fabric.plugins.precision import MixedPrecision
from lightning_fabric.strategies import DDPStrategy

from timbrel.errors import BadConfig, TimbrelError
from timbrel.training.settings import LoopSettings

_GONE = ("gloo/transport", "Connection reset by peer", "Connection closed by peer")
"""What torch's errors say of a process that has gone: they have no type of their own."""

_MIXED: dict[str, Literal["bf16-mixed", "16-mixed"]] = {"bf16": "bf16-mixed", "fp16": "16-mixed"}


class Lost(TimbrelError):
    """A process of the run has gone without a word."""


class _Mixed(MixedPrecision):
    """Autocast that leaves inputs alone: Fabric's would round the targets to 16 bits as well."""

    def convert_input(self, data: Any) -> Any:
        return data


def device_for(loop: LoopSettings) -> str:
    """The kind of device to train on.

    Raises:
        BadConfig: it is not here, or it cannot compute in this precision.
    """
    here = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    device = next(k for k in here if here[k]) if loop.device == "auto" else loop.device
    if not here[device]:
        raise BadConfig(f"loop.device = {device!r}: torch finds none here, use 'auto' or 'cpu'")
    if loop.precision == "fp16" and device != "cuda":
        raise BadConfig(
            f"loop.precision = 'fp16' needs CUDA and this run uses {device}: use 'bf16' or 'fp32'"
        )
    return device


def make_fabric(loop: LoopSettings, *, several_phases: bool = False) -> Fabric:
    """A launched Fabric: from here on every process of the run executes the same lines.

    Args:
        loop: the settings.
        several_phases: whether some parameters get no gradient in some passes, as in a GAN.
    """
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    device = device_for(loop)
    mixed = _MIXED.get(loop.precision)
    plugins: list[Any] = [_Mixed(mixed, device)] if mixed else []
    if _made_by_fabric_cli():
        return Fabric(plugins=plugins)
    devices, nodes = _processes(loop)
    strategy = "auto"
    if devices * nodes > 1:
        backend = "gloo" if device == "cpu" else None
        strategy = DDPStrategy(process_group_backend=backend, find_unused_parameters=several_phases)
    fabric = Fabric(
        accelerator=device, strategy=strategy, devices=devices, num_nodes=nodes, plugins=plugins
    )
    fabric.launch()
    return fabric


def fix_numerics(loop: LoopSettings, threads: int | None = None) -> None:
    """Set what the last bits of a result depend on.

    Args:
        loop: the settings.
        threads: of the run so far, where there is one; `loop.threads` goes before it.
    """
    if loop.threads or threads:
        torch.set_num_threads(loop.threads or threads or 1)
    if loop.deterministic and torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)


def any_process(fabric: Fabric, flag: bool) -> bool:
    """Whether the flag is up in any process; all of them must ask."""
    if fabric.world_size == 1:
        return flag
    flags = torch.tensor(float(flag), device=fabric.device)
    return bool(torch.as_tensor(fabric.all_reduce(flags, reduce_op="sum")).item())


def require_launcher(loop: LoopSettings) -> None:
    """That whoever starts the processes of several machines is there: they would wait for ever.

    Raises:
        BadConfig: nobody is.
    """
    torchrun = torch.distributed.is_torchelastic_launched()
    by_hand = not os.environ.keys().isdisjoint(("NODE_RANK", "GROUP_RANK"))
    if loop.nodes > 1 and not (torchrun or by_hand or SLURMEnvironment.detect()):
        raise BadConfig(
            f"loop.nodes = {loop.nodes}: start it on each machine, by torchrun or SLURM"
        )


@contextmanager
def one_speaking(fabric: Fabric, run: Path) -> Iterator[None]:
    """Have one process say for all of them why the run in the block failed; the others just end.

    Raises:
        Lost: another process has gone, in the words of the first.
    """
    try:
        yield
    except TimbrelError:
        if fabric.is_global_zero:
            raise
        raise SystemExit(2) from None
    except RuntimeError as error:
        if fabric.world_size == 1 or not any(word in str(error) for word in _GONE):
            raise
        if fabric.is_global_zero:
            raise Lost(
                "another process of this run has gone (killed, or out of memory?): the same "
                f"command goes on from the last state in {run}"
            ) from None
        raise SystemExit(2) from None


@contextmanager
def parting() -> Iterator[None]:
    """End what the processes of a run talk by, once the run in the block has ended or failed.

    A thread of gloo's may still wait for Python's lock to let go of a tensor. It aborts a process
    that just exits; and a wrapped network that is freed after its process group waits for it for
    ever, holding that lock. So the network goes first, from the frames of an error too.
    """
    try:
        yield
    except BaseException as error:
        if _talking():
            _clear_frames(error)
        raise
    finally:
        if _talking():
            gc.collect()
            torch.distributed.destroy_process_group()


def _talking() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _clear_frames(error: BaseException | None) -> None:
    """Free what the frames of an error hold, and of those that led to it."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _made_by_fabric_cli() -> bool:
    return os.environ.get("LT_CLI_USED", "0") == "1"


def _processes(loop: LoopSettings) -> tuple[int, int]:
    """Processes on this machine, and machines; torchrun knows better than the settings."""
    if torch.distributed.is_torchelastic_launched():
        here = int(os.environ["LOCAL_WORLD_SIZE"])
        return here, int(os.environ["WORLD_SIZE"]) // here
    return loop.devices, loop.nodes
