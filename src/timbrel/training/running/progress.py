"""What a run says on stderr: a bar with the loss and steps per second, and a line now and then."""

from __future__ import annotations

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
        self._steps, self._seconds = 0, 0.0

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
        with Bar(*columns, console=self._console) as self._bar:
            self._bar.add_task("training", total=steps, completed=step, loss="", speed="")
            yield
        self._bar = None

    def count(self, step: int, seconds: float) -> None:
        """Move the bar to a step, which took so long."""
        self._steps, self._seconds = self._steps + 1, self._seconds + seconds
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=step)

    def show(self, loss: float) -> float:
        """Steps per second since the last time, shown beside the loss."""
        speed = self._steps / max(self._seconds, 1e-9)
        self._steps, self._seconds = 0, 0.0
        if self._bar is not None:
            task = self._bar.task_ids[0]
            self._bar.update(task, loss=f"loss {loss:.4g}", speed=f"{speed:.3g} it/s")
        return speed
