"""The one training loop: every family, any device, and bit-identical after a kill.

Around the steps (`step.py`): the log, validation with the averaged weights, previews, the
state. What makes resuming exact is that a step depends on nothing but the state and its own number
(`batches.py`), and that the state is one file, written whole (`state.py`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from timbrel.errors import BadConfig, BadInput, TimbrelError
from timbrel.files import replacing_folder
from timbrel.instruments.model_folder import weights_digest
from timbrel.training.objective import Batch, Objective
from timbrel.training.registry import objective_for
from timbrel.training.running.batches import Feed, Order, seed_globals
from timbrel.training.running.engine import (
    any_process,
    device_for,
    fix_numerics,
    make_fabric,
    one_speaking,
    parting,
    require_launcher,
)
from timbrel.training.running.folder import RunFolder, flat_settings
from timbrel.training.running.interrupt import Interrupt, Stopped
from timbrel.training.running.loggers import RunLogger, check_trackers, make_loggers
from timbrel.training.running.means import Means
from timbrel.training.running.progress import RunProgress
from timbrel.training.running.record import TrainingRecord, device_name, typed_command, versions
from timbrel.training.running.schedule import learning_rate_factor
from timbrel.training.running.state import (
    Facts,
    damaged,
    misfit,
    read_state,
    run_facts,
    write_state,
)
from timbrel.training.running.step import NotFinite, Stepper
from timbrel.training.running.validation import validation_losses
from timbrel.training.settings import TrainingSettings


class Diverged(TimbrelError):
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
        Lost: another process of the run has gone.
        Stopped: Ctrl-C or SIGTERM, after saving (a `SystemExit` of 130 or 143).
    """
    folder, progress = RunFolder(Path(run_dir)), RunProgress()
    device_for(settings.loop)
    require_launcher(settings.loop)
    check_trackers(settings.log)
    origin = weights_digest(Path(initial_weights)) if initial_weights is not None else None
    folder.check(settings, origin)
    facts = folder.facts()
    if facts and facts["step"] >= settings.loop.steps and folder.model.is_dir():
        progress.say(f"{folder.path} is finished ({facts['step']} steps): {folder.model}")
        return folder.model
    threads = facts["threads"] if facts else None
    fix_numerics(settings.loop, threads)
    seed_globals(settings.loop.seed, "weights")
    objective = make_objective(settings)
    if not len(objective.train_set):
        raise BadInput("there is nothing to train on: the training set is empty")
    if initial_weights is not None and facts is None:
        objective.start_from(Path(initial_weights))
    fabric = make_fabric(settings.loop, several_phases=len(objective.phases) > 1)
    fix_numerics(settings.loop, threads)  # launching several processes sets them anew
    with one_speaking(fabric, folder.path), parting():
        return Training(fabric, settings, objective, folder, progress).run(origin)


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
        self.stepper = Stepper(fabric, objective, self.loop)
        self.order = Order(
            n_items=len(objective.train_set),
            batch_size=self.loop.batch_size,
            accumulate=self.loop.accumulate,
            processes=fabric.world_size,
            seed=self.loop.seed,
        )
        self.loggers: list[RunLogger] = []
        self.origin: str | None = None
        self.step = 0
        self.seconds = 0.0
        self.window = Means()
        self.losses: dict[str, float] = {}
        self.validation: dict[str, float] = {}
        self.best: tuple[int, float] | None = None

    def run(self, origin: str | None) -> Path:
        """Train to the last step and export the model.

        Args:
            origin: the digest of the weights that the run started from, if any.
        """
        with ExitStack() as stack:
            self.origin = origin
            resuming = self.folder.state.is_file()
            if self.fabric.is_global_zero:
                stack.enter_context(self.folder.claimed(self.settings))
            self.fabric.barrier()
            self.restore() if resuming else self.save()
            interrupt = stack.enter_context(Interrupt())
            feed = Feed(self.objective.train_set, self.order, self.fabric.global_rank,
                        self.loop.workers)  # fmt: skip
            stack.callback(feed.close)
            if self.fabric.is_global_zero:
                self.loggers = make_loggers(self.folder.path, self.settings.log,
                                            flat_settings(self.settings), self.step)  # fmt: skip
                for logger in self.loggers:
                    stack.callback(logger.close)
                stack.enter_context(self.progress.bar(self.step, self.loop.steps))
            batches = feed.batches(self.step, self.loop.steps)
            while self.step < self.loop.steps:
                self.advance(batches, interrupt)
            self.export()
        return self.folder.model

    def advance(self, batches: Iterator[Batch], interrupt: Interrupt) -> None:
        """One step and all that is due after it."""
        began = time.perf_counter()
        self.take_step(batches)
        if self.due(self.loop.log_every):
            self.write_log()
        if self.due(self.loop.validate_every):
            self.validate()
        if self.due(self.loop.preview_every):
            self.preview()
        if self.due(self.loop.keep_every):
            self.keep_weights(f"step_{self.step:07d}")
        self.seconds += time.perf_counter() - began
        stop = any_process(self.fabric, interrupt.asked)
        if stop or self.due(self.loop.save_every) or self.step == self.loop.steps:
            self.save()
        if stop and self.step < self.loop.steps:
            self.say(f"stopped at step {self.step}: the same command goes on from there")
            raise Stopped(interrupt.signal, self.step, self.folder.path)

    def due(self, every: int) -> bool:
        """Whether something that happens every so often, and at the end, happens now."""
        return every > 0 and (self.step % every == 0 or self.step == self.loop.steps)

    def take_step(self, batches: Iterator[Batch]) -> None:
        """One step; a loss that is not a number ends the run before it spoils the weights."""
        began = time.perf_counter()
        parts = [self.fabric.to_device(next(batches)) for _ in range(self.loop.accumulate)]
        try:
            numbers = self.stepper.take(self.step, parts)
        except NotFinite as error:
            raise Diverged(
                f"training diverged at step {self.step + 1} ({error}): the last good weights are "
                f"in {self.folder.weights('last')}; lower loop.learning_rate and train in another "
                "folder"
            ) from None
        self.step += 1
        self.window.add(numbers)
        self.progress.count(self.step, time.perf_counter() - began)

    def write_log(self) -> None:
        """Log the means since the last time."""
        self.losses = self.window.pooled(self.fabric).values()
        self.window = Means()
        loss = next((v for n, v in self.losses.items() if n.endswith("loss")), math.nan)
        steps_per_s = self.progress.show(loss)
        factor = learning_rate_factor(self.step - 1, self.loop)
        self.log({
            **{f"train/{name}": value for name, value in self.losses.items()},
            "learning_rate": self.loop.learning_rate * factor,
            "epoch": self.step * self.order.items_per_step / self.order.n_items,
            "items_per_s": steps_per_s * self.order.items_per_step,
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
        with self.stepper.average.applied():
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
        average = self.stepper.average
        with average.applied(), torch.no_grad(), replacing_folder(place) as made:
            self.objective.preview(made, self.step)
        for path in sorted(place.rglob("*")) if self.settings.log.media else ():
            if path.suffix in (".wav", ".png"):
                for logger in self.loggers:
                    logger.file(self.step, path)

    def keep_weights(self, name: str) -> None:
        """Write the averaged weights of the whole objective."""
        if self.fabric.is_global_zero:
            with self.stepper.average.applied():
                write_state(self.folder.weights(name), self.objective.state_dict(),
                            {"step": self.step})  # fmt: skip

    def save(self) -> None:
        """Write the state, then the last weights."""
        facts = self.facts()
        if self.fabric.is_global_zero:
            write_state(self.folder.state, self.stepper.tensors(), facts)
            self.keep_weights("last")

    def facts(self) -> Facts:
        """All of the state that is not tensors; every process must ask."""
        return {
            "step": self.step,
            "seconds": self.seconds,
            "window": self.window.pooled(self.fabric).sums,
            "losses": self.losses,
            "validation": self.validation,
            "best": self.best,
            "scaler": self.fabric.strategy.precision.state_dict(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "device": self.fabric.device.type,
            "processes": self.fabric.world_size,
            "origin": self.origin,
        }

    def restore(self) -> None:
        """Go back to the saved state."""
        tensors, said = read_state(self.folder.state)
        facts = run_facts(self.folder.state, said)
        if facts["processes"] != self.fabric.world_size:
            raise BadConfig(
                f"{self.folder.path} was begun with {facts['processes']} processes and this is "
                f"{self.fabric.world_size}: use as many, or train in another folder"
            )
        now = self.facts()
        for fact in ("torch", "device", "threads"):
            if facts[fact] != now[fact]:
                self.say(f"{fact} was {facts[fact]}, is {now[fact]}: the last bits may differ")
        if wrong := self.stepper.misfit(tensors):
            raise damaged(self.folder.state, f"{wrong} does not fit")
        self.stepper.restore(tensors)
        self.fabric.strategy.precision.load_state_dict(facts["scaler"])
        self.step, self.seconds = facts["step"], facts["seconds"]
        window = Means(facts["window"])
        self.window = window if self.fabric.is_global_zero else window.emptied()
        self.losses, self.validation = facts["losses"], facts["validation"]
        self.best = facts["best"]
        if self.step:
            self.say(f"{self.folder.path}: going on from step {self.step}")

    def export(self) -> None:
        """Write the model from the weights that `loop.export` names."""
        if not self.fabric.is_global_zero:
            return
        record = self.record()
        average = self.stepper.average
        with average.applied(), replacing_folder(self.folder.model) as made:
            if self.loop.export == "best" and self.best:
                path = self.folder.weights("best")
                weights, _ = read_state(path)
                if wrong := misfit(self.objective.state_dict(), weights):
                    raise damaged(path, f"{wrong} does not fit")
                self.objective.load_state_dict(weights)
            self.objective.export(made, record.as_dict())
            self.folder.write_origin(made, self.settings, record)
        self.say(f"{self.folder.model}: {self.step} steps in {record.minutes:.1f} minutes")

    def record(self) -> TrainingRecord:
        """How it went."""
        best_step, best_loss = self.best or (None, None)
        return TrainingRecord(
            family=self.settings.family,
            steps=self.step,
            minutes=self.seconds / 60,
            items=self.step * self.order.items_per_step,
            losses=self.losses,
            validation=self.validation,
            best_step=best_step,
            best_loss=best_loss,
            device=device_name(self.fabric.device),
            processes=self.fabric.world_size,
            threads=torch.get_num_threads(),
            precision=self.loop.precision,
            command=typed_command(),
            versions=versions(),
        )
