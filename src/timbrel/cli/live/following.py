"""A session of live transfer: a microphone is heard, an instrument follows it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from timbrel.cli.live.engine import make_knobs
from timbrel.cli.live.session import chores
from timbrel.cli.live.status import status_line, summary, watch
from timbrel.cli.output import say_note
from timbrel.cli.play.targets import Target, open_target
from timbrel.dsp.clearness import pitched
from timbrel.dsp.listening import FRAME_RATE
from timbrel.errors import BadAudio, BadInput, Unsupported
from timbrel.live import (
    Duplex,
    FollowEngine,
    Gate,
    MidiInput,
    Shift,
    calm,
    input_devices,
    output_devices,
)
from timbrel.perform.register_fit import Fit, fit_to_register
from timbrel.sound import Performance, Register
from timbrel.units import db_to_amplitude, hz_to_midi, pitch_name

_HEARD_S = 3.0
"""Of singing, before its octave is judged."""


@dataclass(frozen=True)
class FollowWishes:
    """What `timbrel live --transfer` was asked for; see there."""

    to: str
    timbre: str | None = None
    bank: Path | None = None
    audio_in: str | None = None
    out: str | None = None
    sample_rate: int = 48000
    block: int = 256
    octaves: int | None = 0
    gate_db: float = -50.0
    input_gain_db: float | None = None
    dry: float = 0.0
    gain_db: float = -6.0
    midi_in: tuple[str, ...] = ()
    channel: int = 0
    bindings: tuple[str, ...] = ()
    learn: str | None = None
    seconds: float | None = None


def follow_live(wishes: FollowWishes) -> dict[str, Any]:
    """Follow the microphone until Ctrl-C or for the time given; figures of how it went.

    Raises:
        TimbrelError: a wish cannot be fulfilled; nothing was played.
    """
    if not (output_devices() and input_devices()):  # said before a model is loaded
        raise BadInput(
            "no sound card that hears and plays was found: connect one (is JACK or PulseAudio "
            "running?), or follow a recording with `timbrel transfer`"
        )
    target = open_target(wishes.to, wishes.timbre, wishes.bank)
    engine = make_follow_engine(wishes, target)
    with ExitStack() as stack:
        for port in wishes.midi_in:
            opened = stack.enter_context(MidiInput(engine.ring(), port))
            say_note(f"listening to {opened.name}")
        card = Duplex(engine, wishes.audio_in, wishes.out, wishes.block)
        tidy = stack.enter_context(calm())
        stack.enter_context(card)
        say_note(f"{card.input_name} is heard, {target.name} plays on {card.name}; Ctrl-C ends")
        ends_s = float("inf") if wishes.seconds is None else time.perf_counter() + wishes.seconds
        beside = chores(engine.knobs, target.model, wishes.learn, tidy)
        fitter = Fitter(engine, target, wishes)

        def do() -> None:
            beside()
            fitter.look()

        watch(_status(engine, card, target.name), ends_s, do)
        return _summary(engine, card, target) | {"octaves": fitter.fit.octaves}


def make_follow_engine(wishes: FollowWishes, target: Target) -> FollowEngine:
    """The engine for a target, warm: its first block takes no longer than any other.

    Raises:
        Unsupported: the instrument can transfer recordings only.
        BadInput: a control or a binding is not what the instrument has.
    """
    instrument = target.instrument
    if not instrument.can("follow"):
        raise Unsupported(f"{target.model} cannot follow a microphone, only recordings")
    knobs = make_knobs(instrument, target.model, wishes.bindings, wishes.learn)
    engine = FollowEngine(
        instrument.follower(target.timbre, wishes.sample_rate), knobs,
        gate=Gate(wishes.gate_db), input_gain=db_to_amplitude(wishes.input_gain_db or 0.0),
        dry=wishes.dry, gain=db_to_amplitude(wishes.gain_db),
    )  # fmt: skip
    engine.channel = wishes.channel
    engine.warm_up(wishes.block)
    return engine


class Fitter:
    """Brings what is heard into the instrument's register: at once, or once enough is heard.

    Attributes:
        fit: what is done.

    Args:
        engine: whose shift is set.
        target: who plays.
        wishes: whether the octave is said or sought.
    """

    def __init__(self, engine: FollowEngine, target: Target, wishes: FollowWishes) -> None:
        self.fit = Fit(wishes.octaves or 0)
        self._engine = engine
        self._register = target.instrument.register(target.timbre)
        self._gain_db = None if wishes.input_gain_db is None else 0.0
        self._is_sought = wishes.octaves is None
        self._name = target.name
        engine.shift = Shift(self.fit.ratio)

    def look(self) -> None:
        """Judge what was heard so far, where that is still to be done."""
        if not self._is_sought:
            return
        heard = _melody(self._engine)
        if float(pitched(heard).sum()) < _HEARD_S * FRAME_RATE:
            return
        self._is_sought = False
        self.fit = _fit(heard, self._register, self._gain_db)
        self._engine.shift = Shift(self.fit.ratio, self.fit.gain_db)
        say_note(f"{self._name} plays what it hears: {self.fit}")


def _fit(heard: Performance, register: Register | None, gain_db: float | None) -> Fit:
    try:
        return fit_to_register(heard, register, gain_db=gain_db)
    except BadAudio:  # sure of its pitch, and too soft to be judged
        return Fit()


def _melody(engine: FollowEngine) -> Performance:
    f0_hz, loudness_db, confidence = torch.from_numpy(engine.remembered()).float().T
    return Performance(f0_hz, loudness_db, confidence, FRAME_RATE)


def _latency_s(engine: FollowEngine, card: Duplex) -> float:
    """From the air to the loudspeaker: the card's round trip, the window and the frame."""
    return card.round_trip_s + engine.delay_s


def _status(engine: FollowEngine, card: Duplex, name: str) -> Callable[[], str]:
    def say() -> str:
        heard = [f"in {engine.look_at_level_db():4.0f} dB", _note(engine.heard_hz)]
        late = f"latency {1e3 * _latency_s(engine, card):.0f} ms"
        return status_line(engine.meter, [*heard, late], [name])

    return say


def _note(f0_hz: float) -> str:
    """A pitch as people say it, always as wide."""
    if f0_hz <= 0:
        return f"{'-':<9}"
    pitch = hz_to_midi(f0_hz)
    return f"{pitch_name(round(pitch)):<3} {100 * (pitch - round(pitch)):+3.0f} c"


def _summary(engine: FollowEngine, card: Duplex, target: Target) -> dict[str, Any]:
    return summary(engine, card, engine.knobs) | {
        "input_device": card.input_name,
        "model": target.model,
        "timbre": target.name,
        "latency_ms": 1e3 * _latency_s(engine, card),
        "listening_ms": 1e3 * engine.delay_s,
        "round_trip_ms": 1e3 * card.round_trip_s,
        "overflows": engine.meter.overflows,
    }
