"""What a run says on stderr: a bar with the loss and steps per second, and a line now and then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class RunProgress:
    """The first process's voice; the others' are silent."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar: Bar | None = None
        self._shown = (0, time.perf_counter())
        self.steps_per_s = 0.0

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._console.print(line, markup=False)

    @contextmanager
    def bar(self, step: int, steps: int) -> Iterator[None]:
        """Show a bar while the block runs."""
        columns = (
            TextColumn("training"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}  {task.fields[speed]}"), TimeRemainingColumn(),
        )  # fmt: skip
        self._shown = (step, time.perf_counter())
        with Bar(*columns, console=self._console) as self._bar:
            self._bar.add_task("training", total=steps, completed=step, loss="", speed="")
            yield
        self._bar = None

    def advance(self, step: int, loss: float) -> None:
        """Move the bar to a step, and measure the speed since the last time."""
        now = time.perf_counter()
        step_before, then = self._shown
        self.steps_per_s = (step - step_before) / max(now - then, 1e-9)
        self._shown = (step, now)
        if self._bar is not None:
            self._bar.update(
                self._bar.task_ids[0], completed=step, loss=f"loss {loss:.4g}",
                speed=f"{self.steps_per_s:.3g} it/s",
            )  # fmt: skip
