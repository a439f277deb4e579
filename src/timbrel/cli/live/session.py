"""A session of live play: what is opened for it, and what is done beside the sound."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

from timbrel.cli.live.engine import LiveWishes, make_engine
from timbrel.cli.live.status import status_line, summary, watch
from timbrel.cli.output import say_note
from timbrel.cli.timbres import open_timbres
from timbrel.errors import BadInput
from timbrel.live import (
    Engine,
    Knobs,
    MidiInput,
    Output,
    calm,
    feeding,
    input_devices,
    input_ports,
    keep_bindings,
    keyboard_ports,
    output_devices,
    reading_keys,
    settings_file,
    song_events,
)
from timbrel.midi import read_score

_RING_OUT_S = 1.5
_COUNT_IN_S = 0.2


def devices() -> dict[str, list[str]]:
    """Sound cards, microphones and MIDI ports.

    Raises:
        MissingExtra: the parts that ask for them are not installed.
    """
    cards, microphones = output_devices(), input_devices()
    return {"sound cards": cards, "microphones": microphones, "MIDI ports": input_ports()}


def play_live(wishes: LiveWishes) -> dict[str, Any]:
    """Play until Ctrl-C, the song's end or the time given; figures of how it went.

    Raises:
        TimbrelError: a wish cannot be fulfilled; nothing was played.
    """
    there = input_ports()
    output_devices()  # as the line above: what is not installed is said before a model is loaded
    ports = _chosen_ports(wishes, there)
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
        say_note(f"playing {engine.keyboard.timbre_name} on {output.name}; Ctrl-C ends")
        ends_s = float("inf")
        if score is not None:
            begin_s = time.perf_counter() + _COUNT_IN_S
            ends_s = begin_s + score.duration_s + _RING_OUT_S
            stack.enter_context(feeding(song_ring, song_events(score, begin_s)))
        if wishes.seconds is not None:
            ends_s = min(ends_s, time.perf_counter() + wishes.seconds)
        beside = chores(engine.keyboard.knobs, wishes.using.model, wishes.learn, tidy)
        watch(lambda: _status(engine, output), ends_s, beside)
        return _summary(engine, output)


def _status(engine: Engine, output: Output) -> str:
    player, block_ms = engine.player, 1e3 * output.block / output.sample_rate
    return status_line(
        engine.meter,
        [f"latency {block_ms:.1f} + {1e3 * output.latency_s:.1f} ms"],
        [f"voices {player.active_voices}/{player.n_voices}", engine.keyboard.timbre_name],
    )


def _summary(engine: Engine, output: Output) -> dict[str, Any]:
    return summary(engine, output, engine.keyboard.knobs) | {
        "output_latency_ms": 1e3 * output.latency_s,
        "notes": engine.meter.notes,
    }


def _chosen_ports(wishes: LiveWishes, there: Sequence[str]) -> tuple[str, ...]:
    """The ports asked for; with nothing else to play on, the first that there is."""
    if wishes.midi_in or wishes.keys or wishes.song is not None:
        return wishes.midi_in
    keyboards = keyboard_ports(there)
    if not keyboards:
        raise BadInput("no MIDI port: connect a keyboard, or give --keys, --play or --midi-in")
    return (keyboards[0],)


def chores(
    knobs: Knobs, model: str, learn: str | None, tidy: Callable[[], object]
) -> Callable[[], None]:
    """What is done four times a second beside the sound: tidying, and keeping what was learned."""
    is_learning = learn is not None

    def do() -> None:
        nonlocal is_learning
        tidy()
        if is_learning and knobs.learning is None:
            is_learning = False
            try:
                path = keep_bindings(settings_file(), model, knobs.bindings)
                say_note(f"learned {learn}; kept in {path}")
            except BadInput as error:  # no reason to stop playing
                say_note(f"learned {learn} for now; {error}")

    return do
