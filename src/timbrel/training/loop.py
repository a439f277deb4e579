"""The one training loop: every family, any device, and bit-identical after a kill.

A step takes `accumulate` batches through each of the objective's phases. Around the steps: the log,
validation with the averaged weights, previews, and the state. What makes resuming exact is that
a step depends on nothing but the state and its own number (`training/batches.py`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from timbrel.errors import BadConfig, TimbrelError
from timbrel.training.batches import Feed, Order, generator_for, seed_globals
from timbrel.training.ema import MovingAverage
from timbrel.training.engine import device_for, fix_numerics, make_fabric
from timbrel.training.folder import RunFolder, flat_settings
from timbrel.training.interrupt import Interrupt, Stopped
from timbrel.training.loggers import RunLogger, make_loggers
from timbrel.training.means import Means
from timbrel.training.objective import Batch, Objective, Phase
from timbrel.training.optimizer import Turns, make_optimizer
from timbrel.training.progress import RunProgress
from timbrel.training.record import TrainingRecord, device_name, typed_command, versions
from timbrel.training.registry import objective_for
from timbrel.training.schedule import learning_rate_factor
from timbrel.training.settings import TrainingSettings
from timbrel.training.state import (
    Facts,
    load_module,
    load_optimizer,
    module_tensors,
    optimizer_tensors,
    read_state,
    write_state,
)
from timbrel.training.validation import validation_losses


class Diverged(TimbrelError):  # noqa: N818
    """A loss or a gradient stopped being a number."""


def train(
    settings: TrainingSettings,
    run_dir: str | Path,
    *,
    make_objective: Callable[[Any], Objective] = objective_for,
    initial_weights: str | Path | None = None,
) -> Path:
    """The folder of the trained model; a run that is already there goes on where it was.

    Args:
        settings: what to train and how.
        run_dir: the run's folder.
        make_objective: makes what to train from the settings, the weights' seed being set; by
            default that of the settings' family.
        initial_weights: a model's folder to start from.

    Raises:
        BadConfig: the settings do not fit this machine, or the run that is already there.
        Diverged: a loss stopped being a number.
        Stopped: Ctrl-C or SIGTERM, after saving (a `SystemExit` of 130 or 143).
    """
    folder, progress = RunFolder(Path(run_dir)), RunProgress()
    device_for(settings.loop)
    folder.check(settings)
    facts = folder.facts()
    if facts and facts["step"] >= settings.loop.steps and folder.model.is_dir():
        progress.say(f"{folder.path} is finished ({facts['step']} steps): {folder.model}")
        return folder.model
    threads = facts["threads"] if facts else None
    fix_numerics(settings.loop, threads)
    seed_globals(settings.loop.seed, "weights")
    objective = make_objective(settings)
    if initial_weights is not None and facts is None:
        objective.start_from(Path(initial_weights))
    fabric = make_fabric(settings.loop, several_phases=len(objective.phases) > 1)
    fix_numerics(settings.loop, threads)  # launching several processes sets them anew
    return Training(fabric, settings, objective, folder, progress).run()


class Training:
    """One process's share of a run."""

    def __init__(
        self,
        fabric: Fabric,
        settings: TrainingSettings,
        objective: Objective,
        folder: RunFolder,
        progress: RunProgress,
    ) -> None:
        self.fabric, self.settings, self.loop = fabric, settings, settings.loop
        self.objective, self.folder, self.progress = objective, folder, progress
        optimizers = [make_optimizer(objective, phase, self.loop, fabric.device.type)
                      for phase in objective.phases]  # fmt: skip
        self.turns = Turns(objective)
        self.module, *self.optimizers = fabric.setup(objective, *optimizers)
        self.average = MovingAverage(objective, self.loop.ema_decay)
        self.order = Order(len(objective.train_set), self.loop.batch_size, self.loop.accumulate,
                           fabric.world_size, self.loop.seed)  # fmt: skip
        self.loggers: list[RunLogger] = []
        self.step = 0
        self.seconds = 0.0
        self.window = Means()
        self.losses: dict[str, float] = {}
        self.validation: dict[str, float] = {}
        self.best: tuple[int, float] | None = None

    def run(self) -> Path:
        """Train to the last step and export the model."""
        if self.fabric.is_global_zero:
            self.folder.claim(self.settings)
        if self.folder.state.is_file():
            self.restore()
        with ExitStack() as stack:
            feed = Feed(self.objective.train_set, self.order, self.fabric.global_rank,
                        self.loop.workers)  # fmt: skip
            stack.callback(feed.close)
            if self.fabric.is_global_zero:
                self.loggers = make_loggers(self.folder.path, self.settings.log,
                                            flat_settings(self.settings), self.step)  # fmt: skip
                for logger in self.loggers:
                    stack.callback(logger.close)
                stack.enter_context(self.progress.bar(self.step, self.loop.steps))
            interrupt = stack.enter_context(Interrupt())
            batches = feed.batches(self.step, self.loop.steps)
            while self.step < self.loop.steps:
                self.advance([next(batches) for _ in range(self.loop.accumulate)], interrupt)
            self.export()
        return self.folder.model

    def advance(self, parts: list[Batch], interrupt: Interrupt) -> None:
        """One step and all that is due after it."""
        began = time.perf_counter()
        self.take_step([self.fabric.to_device(part) for part in parts])
        self.step += 1
        if self.due(self.loop.log_every):
            self.write_log()
        if self.due(self.loop.validate_every):
            self.validate()
        if self.due(self.loop.preview_every):
            self.preview()
        if self.due(self.loop.keep_every):
            self.keep_weights(f"step_{self.step:07d}")
        self.seconds += time.perf_counter() - began
        stop = self.agree(interrupt.asked)
        if stop or self.due(self.loop.save_every) or self.step == self.loop.steps:
            self.save()
        if stop and self.step < self.loop.steps:
            self.say(f"stopped at step {self.step}; the same command goes on from there")
            raise Stopped(interrupt.signal, self.step, self.folder.path)

    def due(self, every: int) -> bool:
        """Whether something that happens every so often, and at the end, happens now."""
        return every > 0 and (self.step % every == 0 or self.step == self.loop.steps)

    def take_step(self, parts: list[Batch]) -> None:
        """Each phase that is due, then the average."""
        self.objective.step = self.step
        self.objective.progress = self.step / self.loop.steps
        seed_globals(self.loop.seed, "step", self.step, self.fabric.global_rank)
        for phase, optimizer in zip(self.objective.phases, self.optimizers, strict=True):
            if self.step % phase.every == 0:
                self.turns.begin(phase)
                self.take_phase(phase, optimizer, parts)
        self.turns.end()
        self.average.update(self.step)

    def take_phase(self, phase: Phase, optimizer: Any, parts: list[Batch]) -> None:
        """Gradients over all parts of the batch, then one step of this phase's optimiser."""
        sums: dict[str, Tensor] = {}
        for part, batch in enumerate(parts):
            place = (phase.name, self.step, part, self.fabric.global_rank)
            generator = generator_for(self.loop.seed, "loss", *place, device=self.fabric.device)
            not_last = part < len(parts) - 1
            with self.fabric.no_backward_sync(self.module, enabled=not_last):
                losses = self.module(batch, phase.name, generator)
                self.fabric.backward(losses["loss"] / len(parts))
            for name, loss in losses.items():
                share = loss.detach().float() / len(parts)
                sums[name] = sums[name] + share if name in sums else share
        norm = self.fabric.clip_gradients(
            self.module, optimizer, max_norm=self.loop.clip_norm or math.inf,
            error_if_nonfinite=False,
        )  # fmt: skip
        self.note(phase, sums, torch.as_tensor(norm))
        self.set_learning_rate(phase, optimizer)
        optimizer.step()
        optimizer.zero_grad()

    def set_learning_rate(self, phase: Phase, optimizer: Any) -> None:
        """The rate of this step, which is a function of its number."""
        factor = learning_rate_factor(self.step, self.loop)
        for group in optimizer.param_groups:
            group["lr"] = self.loop.learning_rate * phase.learning_rate_scale * factor

    def note(self, phase: Phase, losses: Mapping[str, Tensor], norm: Tensor) -> None:
        """Add a phase's numbers to the log's window; end the run where one is none."""
        prefix = f"{phase.name}/" if len(self.objective.phases) > 1 else ""
        named = {**losses, "grad_norm": norm.to(losses["loss"])}
        numbers = torch.stack(list(named.values())).tolist()
        values = {prefix + name: number for name, number in zip(named, numbers, strict=True)}
        # In fp16 a gradient may overflow: the loss scaler skips that step and lowers its scale.
        watched = losses if self.loop.precision == "fp16" else named
        bad = {prefix + name for name in watched if not math.isfinite(values[prefix + name])}
        if self.agree(bool(bad)):
            self.diverge({name: values[name] for name in sorted(bad)})
        self.window.add(values)

    def diverge(self, bad: Mapping[str, float]) -> None:
        """End the run before the step that would spoil the weights."""
        last = self.folder.weights("last")
        if not last.is_file():
            self.keep_weights("last")
        what = ", ".join(f"{name} = {value}" for name, value in bad.items()) or "another process"
        raise Diverged(
            f"training diverged at step {self.step + 1} ({what}): the last good weights are in "
            f"{last}; lower loop.learning_rate and train in another folder"
        )

    def agree(self, flag: bool) -> bool:
        """Whether the flag is up in any process."""
        if self.fabric.world_size == 1:
            return flag
        flags = self.fabric.all_reduce(
            torch.tensor(float(flag), device=self.fabric.device), reduce_op="sum"
        )
        return bool(torch.as_tensor(flags).item())

    def write_log(self) -> None:
        """Log the means since the last time."""
        self.losses = self.window.over_processes(self.fabric)
        self.window = Means()
        loss = next((v for n, v in self.losses.items() if n.endswith("loss")), math.nan)
        self.progress.advance(self.step, loss)
        factor = learning_rate_factor(self.step - 1, self.loop)
        self.log({
            **{f"train/{name}": value for name, value in self.losses.items()},
            "learning_rate": self.loop.learning_rate * factor,
            "epoch": self.step * self.order.items_per_step / self.order.n_items,
            "items_per_s": self.progress.steps_per_s * self.order.items_per_step,
        })  # fmt: skip

    def log(self, numbers: Mapping[str, float]) -> None:
        """Send numbers to the loggers, which only the first process has."""
        for logger in self.loggers:
            logger.numbers(self.step, numbers)

    def say(self, line: str) -> None:
        """Print a line, once for all processes."""
        if self.fabric.is_global_zero:
            self.progress.say(line)

    def validate(self) -> None:
        """Losses of the averaged weights on the validation set; the best are kept."""
        items = self.objective.validation_set
        if items is None or not len(items):
            return
        with self.average.applied():
            self.validation = validation_losses(
                self.fabric, self.objective, items, self.loop.batch_size, self.loop.seed
            )
        self.log({f"validation/{name}": value for name, value in self.validation.items()})
        loss = self.validation["loss"]
        if self.best is None or loss < self.best[1]:
            self.best = (self.step, loss)
            self.keep_weights("best")
        best_step, best_loss = self.best
        self.say(f"step {self.step}: validation {loss:.5g}, best {best_loss:.5g} at {best_step}")

    def preview(self) -> None:
        """Audio and pictures of the averaged weights, also for the loggers that take them."""
        if not self.fabric.is_global_zero:
            return
        place = self.folder.preview(self.step)
        with self.average.applied(), torch.no_grad(), self.folder.replacing_folder(place) as made:
            self.objective.preview(made, self.step)
        for path in sorted(place.rglob("*")) if self.settings.log.audio else ():
            if path.suffix in (".wav", ".png"):
                for logger in self.loggers:
                    logger.file(self.step, path)

    def keep_weights(self, name: str) -> None:
        """Write the averaged weights of the whole objective."""
        if self.fabric.is_global_zero:
            with self.average.applied():
                write_state(self.folder.weights(name), self.objective.state_dict(),
                            {"step": self.step})  # fmt: skip

    def save(self) -> None:
        """Write the state, then the last weights."""
        if self.fabric.is_global_zero:
            write_state(self.folder.state, self.tensors(), self.facts())
            self.keep_weights("last")

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of the state."""
        tensors = module_tensors(self.objective)
        for phase, optimizer in zip(self.objective.phases, self.optimizers, strict=True):
            tensors |= optimizer_tensors(phase.name, optimizer)
        return tensors | {f"average.{n}": t for n, t in self.average.weights.items()}

    def facts(self) -> Facts:
        """All of the state that is not tensors."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "window": self.window.sums,
            "losses": self.losses,
            "validation": self.validation,
            "best": self.best,
            "scaler": self.fabric.strategy.precision.state_dict(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "device": self.fabric.device.type,
            "processes": self.fabric.world_size,
        }

    def restore(self) -> None:
        """Go back to the saved state."""
        tensors, facts = read_state(self.folder.state)
        if facts["processes"] != self.fabric.world_size:
            raise BadConfig(
                f"{self.folder.path} was begun with {facts['processes']} processes and this is "
                f"{self.fabric.world_size}: use as many, or train in another folder"
            )
        for fact, now in {"torch": torch.__version__, "device": self.fabric.device.type,
                          "threads": torch.get_num_threads()}.items():  # fmt: skip
            if facts[fact] != now:
                self.say(
                    f"{fact} was {facts[fact]}, is {now}: the last bits may come out otherwise"
                )
        load_module(self.objective, tensors)
        for phase, optimizer in zip(self.objective.phases, self.optimizers, strict=True):
            load_optimizer(phase.name, optimizer, tensors)
        self.average.load(tensors, prefix="average.")
        self.fabric.strategy.precision.load_state_dict(facts["scaler"])
        self.step, self.seconds = facts["step"], facts["seconds"]
        self.window, self.losses = Means(facts["window"]), facts["losses"]
        self.validation = facts["validation"]
        self.best = tuple(facts["best"]) if facts["best"] else None
        self.say(f"{self.folder.path}: going on from step {self.step}")

    def export(self) -> None:
        """Write the model from the weights that `loop.export` names."""
        if not self.fabric.is_global_zero:
            return
        record = self.record()
        with self.average.applied(), self.folder.replacing_folder(self.folder.model) as made:
            if self.loop.export == "best" and self.best:
                weights, _ = read_state(self.folder.weights("best"))
                self.objective.load_state_dict(weights)
            self.objective.export(made, record.as_dict())
            self.folder.write_origin(made, self.settings, record)

    def record(self) -> TrainingRecord:
        """How it went."""
        return TrainingRecord(
            family=self.settings.family,
            steps=self.step,
            minutes=self.seconds / 60,
            items=self.step * self.order.items_per_step,
            losses=self.losses,
            validation=self.validation,
            best_step=self.best[0] if self.best else None,
            best_loss=self.best[1] if self.best else None,
            device=device_name(self.fabric.device),
            processes=self.fabric.world_size,
            threads=torch.get_num_threads(),
            precision=self.loop.precision,
            command=typed_command(),
            versions=versions(),
        )
