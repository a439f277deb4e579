"""How live play goes: a line on the terminal meanwhile, figures at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from timbrel.live import Engine, Output

_LOOK_S = 0.25


def watch(status: Callable[[], str], ends_s: float, chores: Callable[[], None]) -> None:
    """Wait for the end, showing how it goes; Ctrl-C is the usual one."""
    try:
        with _status_line() as show:
            while (rest_s := ends_s - time.perf_counter()) > 0:
                time.sleep(min(_LOOK_S, rest_s))
                chores()
                show(status())
    except KeyboardInterrupt:
        return


def status(engine: Engine, output: Output) -> str:
    """How a keyboard's engine fares, for a line on the terminal."""
    meter = engine.meter
    block_ms = 1e3 * output.block / output.sample_rate
    parts = [
        f"latency {block_ms:.1f} + {1e3 * output.latency_s:.1f} ms",
        f"load {100 * meter.mean_load:.0f} % (most {100 * meter.look():.0f} %)",
        f"underflows {meter.underflows}",
        f"voices {engine.player.active_voices}/{engine.player.n_voices}",
        engine.keyboard.timbre_name,
    ]
    return " | ".join([*parts, *([meter.problem] if meter.problem else [])])


@contextmanager
def _status_line() -> Iterator[Callable[[str], None]]:
    """One line on a terminal's stderr that is written over; none off a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)
    with Live(console=console, auto_refresh=False, transient=True) as line:
        yield lambda text: line.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)


def summary(engine: Engine, output: Output) -> dict[str, Any]:
    """How it went; a load is the time that a block took as a share of its length."""
    meter = engine.meter
    return {
        "device": output.name,
        "sample_rate": output.sample_rate,
        "block": output.block,
        "block_ms": 1e3 * output.block / output.sample_rate,
        "output_latency_ms": 1e3 * output.latency_s,
        "seconds": meter.length_s,
        "blocks": meter.blocks,
        "underflows": meter.underflows,
        "underflows_at_start": meter.underflows_at_start,
        "underflow_share": meter.underflow_share,
        "load_mean": meter.mean_load,
        "load_max": meter.worst_load,
        "notes": meter.notes,
        "events_dropped": engine.dropped,
        "blocks_not_finite": meter.not_finite,
        "failures": meter.failures,
        "problem": meter.problem or None,
        "controllers": {
            str(number): name for number, name in engine.keyboard.knobs.bindings.items()
        },
    }
