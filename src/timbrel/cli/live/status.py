"""How live play goes, of keys or a microphone: a line meanwhile, figures at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from timbrel.live import Knobs, Meter
from timbrel.live.event_driven import EventDriven
from timbrel.live.sound_card import SoundCard

_LOOK_S = 0.25


def watch(status: Callable[[], str], ends_s: float, chores: Callable[[], None]) -> None:
    """Wait for the end, showing how it goes; Ctrl-C is the usual one."""
    try:
        with _shown() as show:
            while (rest_s := ends_s - time.perf_counter()) > 0:
                time.sleep(min(_LOOK_S, rest_s))
                chores()
                show(status())
    except KeyboardInterrupt:
        return


def status_line(meter: Meter, before: Sequence[str], after: Sequence[str]) -> str:
    """How an engine fares, for the terminal, between what only its kind has to say."""
    parts = [
        *before,
        f"load {100 * meter.mean_load:.0f} % (most {100 * meter.look():.0f} %)",
        f"underflows {meter.underflows}",
        *after,
    ]
    return " | ".join([*parts, *([meter.problem] if meter.problem else [])])


@contextmanager
def _shown() -> Iterator[Callable[[str], None]]:
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


def summary(engine: EventDriven, card: SoundCard, knobs: Knobs) -> dict[str, Any]:
    """How it went; a load is the time that a block took as a share of its length."""
    meter = engine.meter
    return {
        "device": card.name,
        "sample_rate": card.sample_rate,
        "block": card.block,
        "block_ms": 1e3 * card.block / card.sample_rate,
        "seconds": meter.length_s,
        "blocks": meter.blocks,
        "underflows": meter.underflows,
        "underflows_at_start": meter.underflows_at_start,
        "underflow_share": meter.underflow_share,
        "load_mean": meter.mean_load,
        "load_max": meter.worst_load,
        "events_dropped": engine.dropped,
        "blocks_not_finite": meter.not_finite,
        "failures": meter.failures,
        "problem": meter.problem or None,
        "controllers": {str(number): name for number, name in knobs.bindings.items()},
    }
