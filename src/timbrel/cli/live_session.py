"""From what `live` was told to an instrument that is played: what is opened, shown and counted."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from timbrel.cli.arguments import Using
from timbrel.cli.output import say_note
from timbrel.cli.timbres import Timbres, open_timbres, shown_name
from timbrel.errors import BadInput
from timbrel.instruments import Instrument
from timbrel.live import (
    Engine,
    Knobs,
    MidiInput,
    MorphPad,
    Output,
    Program,
    calm,
    feeding,
    input_ports,
    keep_bindings,
    output_devices,
    parse_bindings,
    read_bindings,
    reading_keys,
    settings_file,
    song_events,
)
from timbrel.midi import read_score, timbre_names
from timbrel.timbre import Bank
from timbrel.units import db_to_amplitude

_PREPARE_S = 2.0
_LOOK_S = 0.25
_RING_OUT_S = 1.5
_COUNT_IN_S = 0.2


@dataclass(frozen=True)
class Wishes:
    """What `timbrel live` was asked for; see there."""

    using: Using
    timbre: str | None = None
    corners: tuple[str, ...] = ()
    xy: tuple[int, int] = (16, 17)
    midi_in: tuple[str, ...] = ()
    keys: bool = False
    song: Path | None = None
    out: str | None = None
    sample_rate: int = 48000
    block: int = 256
    n_voices: int = 16
    gain_db: float = -6.0
    channel: int = 0
    bend_range: float = 2.0
    bindings: tuple[str, ...] = ()
    learn: str | None = None
    legato: bool = False
    seconds: float | None = None


def devices() -> dict[str, list[str]]:
    """Sound cards and MIDI ports.

    Raises:
        MissingExtra: the parts that ask for them are not installed.
    """
    return {"sound cards": output_devices(), "MIDI ports": input_ports()}


def play_live(wishes: Wishes) -> dict[str, Any]:
    """Play until Ctrl-C, the song's end or the time given; figures of how it went.

    Raises:
        TimbrelError: a wish cannot be fulfilled; nothing was played.
    """
    ports = _chosen_ports(wishes)
    output_devices()
    score = None if wishes.song is None else read_score(wishes.song)
    engine = make_engine(wishes, open_timbres(wishes.using))
    with ExitStack() as stack:
        for port in ports:
            opened = stack.enter_context(MidiInput(engine.ring(), port))
            say_note(f"listening to {opened.name}")
        keys_ring, song_ring = engine.ring(), engine.ring()
        output = Output(engine, wishes.out, wishes.block)
        tidy = stack.enter_context(calm())
        stack.enter_context(output)
        if wishes.keys:
            stack.enter_context(reading_keys(keys_ring))
        say_note(f"playing {engine.timbre_name} on {output.name}; Ctrl-C ends")
        ends_s = float("inf")
        if score is not None:
            begin_s = time.perf_counter() + _COUNT_IN_S
            ends_s = begin_s + score.duration_s + _RING_OUT_S
            stack.enter_context(feeding(song_ring, song_events(score, begin_s)))
        if wishes.seconds is not None:
            ends_s = min(ends_s, time.perf_counter() + wishes.seconds)
        _watch(engine, output, ends_s, _chores(engine, wishes, tidy))
        return _summary(engine, output)


def _chosen_ports(wishes: Wishes) -> tuple[str, ...]:
    """The ports asked for; with nothing else to play on, the first that there is."""
    there = input_ports()
    if wishes.midi_in or wishes.keys or wishes.song is not None:
        return wishes.midi_in
    played = [name for name in there if "Midi Through" not in name]
    if not played:
        raise BadInput("no MIDI port: connect a keyboard, or give --keys, --play or --midi-in")
    return (played[0],)


def make_engine(wishes: Wishes, timbres: Timbres) -> Engine:
    """The engine for an instrument, warm: its first block takes no longer than any other.

    Raises:
        BadInput: a timbre, a control or a binding is not what the instrument has.
    """
    instrument = timbres.instrument
    corners = [timbres.resolve(corner) for corner in wishes.corners]
    programs = _programs(timbres, wishes.using)
    name, timbre = _first_timbre(wishes, timbres)
    player = instrument.player(wishes.n_voices, wishes.sample_rate)
    if timbre is not None:
        player.set_timbre(timbre)
    pad = MorphPad(instrument.timbre_space, corners, wishes.xy) if corners else None
    engine = Engine(
        player, programs=programs, knobs=_knobs(wishes, instrument), pad=pad,
        channel=wishes.channel, bend_range=wishes.bend_range, gain=db_to_amplitude(wishes.gain_db),
        legato=wishes.legato,
    )  # fmt: skip
    engine.timbre_name = name
    if sys.stderr.isatty():
        say_note("preparing")
    player.prepare(_PREPARE_S)
    engine.warm_up(wishes.block)
    return engine


def _first_timbre(wishes: Wishes, timbres: Timbres) -> tuple[str, torch.Tensor | None]:
    wanted = wishes.timbre or next(iter(wishes.corners), None)
    if wanted is None:
        sounds = timbres.bank.names("sound")
        wanted = "violin" if "violin" in sounds else next(iter(sounds), None)
    if wanted is None:
        return f"{timbres.instrument.family}'s own timbre", None
    return shown_name(wanted), timbres.resolve(wanted)


def _programs(timbres: Timbres, using: Using) -> list[Program | None]:
    """Sounds by program number: a bank of the user's own in its order, others as General MIDI."""
    bank = timbres.bank
    if using.bank is not None:
        names = Bank.load(using.bank, bank.model).names("sound")
        return [Program(name, bank[name]) for name in names]
    programs: list[Program | None] = []
    for number in range(128):
        known = (name for name in timbre_names(number) if name in bank)
        name = next((name for name in known if bank.lookup(name).is_absolute), None)
        programs.append(None if name is None else Program(name, bank[name]))
    if any(programs):
        return programs
    return [Program(name, bank[name]) for name in bank.names("sound")]


def _knobs(wishes: Wishes, instrument: Instrument) -> Knobs:
    """What was kept for this model, and what was said now."""
    names = {control.name for control in instrument.controls}
    kept = read_bindings(settings_file(), wishes.using.model)
    bindings = {number: name for number, name in kept.items() if name in names}
    return Knobs(instrument.controls, bindings | parse_bindings(wishes.bindings), wishes.learn)


def _chores(engine: Engine, wishes: Wishes, tidy: Callable[[], object]) -> Callable[[], None]:
    """What is done four times a second beside the sound."""
    is_learning = wishes.learn is not None

    def do() -> None:
        nonlocal is_learning
        tidy()
        if is_learning and engine.knobs.learning is None:
            is_learning = False
            path = keep_bindings(settings_file(), wishes.using.model, engine.knobs.bindings)
            say_note(f"learned {wishes.learn}; kept in {path}")

    return do


def _watch(engine: Engine, output: Output, ends_s: float, chores: Callable[[], None]) -> None:
    """Wait for the end, showing how it goes; Ctrl-C is the usual one."""
    try:
        with _status_line() as show:
            while (rest_s := ends_s - time.perf_counter()) > 0:
                time.sleep(min(_LOOK_S, rest_s))
                chores()
                show(_status(engine, output))
    except KeyboardInterrupt:
        return


def _status(engine: Engine, output: Output) -> str:
    meter = engine.meter
    block_ms = 1e3 * output.block / output.sample_rate
    parts = [
        f"latency {block_ms:.1f} + {1e3 * output.latency_s:.1f} ms",
        f"load {100 * meter.mean_load:.0f} % (most {100 * meter.look():.0f} %)",
        f"underflows {meter.underflows}",
        f"voices {engine.player.active_voices}/{engine.player.n_voices}",
        engine.timbre_name,
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


def _summary(engine: Engine, output: Output) -> dict[str, Any]:
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
        "controllers": {str(number): name for number, name in engine.knobs.bindings.items()},
    }
