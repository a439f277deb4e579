"""From what `live` was told to an engine that is ready to be played."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from timbrel.cli.arguments import Using
from timbrel.cli.names import shown_name
from timbrel.cli.output import say_note
from timbrel.cli.timbres import Timbres
from timbrel.instruments import Instrument
from timbrel.live import (
    Engine,
    Keyboard,
    Knobs,
    MorphPad,
    Program,
    parse_bindings,
    read_bindings,
    settings_file,
)
from timbrel.midi import timbre_names
from timbrel.timbre import Bank
from timbrel.units import db_to_amplitude

_PREPARE_S = 2.0


@dataclass(frozen=True)
class LiveWishes:
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


def make_engine(wishes: LiveWishes, timbres: Timbres) -> Engine:
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
    keyboard = Keyboard(
        player, programs=programs, pad=pad,
        knobs=make_knobs(instrument, wishes.using.model, wishes.bindings, wishes.learn),
        channel=wishes.channel, bend_range=wishes.bend_range, legato=wishes.legato,
    )  # fmt: skip
    keyboard.timbre_name = name
    engine = Engine(player, keyboard, gain=db_to_amplitude(wishes.gain_db))
    if sys.stderr.isatty():
        say_note("preparing")
    player.prepare(_PREPARE_S)
    engine.warm_up(wishes.block)
    return engine


def _first_timbre(wishes: LiveWishes, timbres: Timbres) -> tuple[str, torch.Tensor | None]:
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


def make_knobs(
    instrument: Instrument, model: str, said: tuple[str, ...] = (), learn: str | None = None
) -> Knobs:
    """What was kept for this model, and what was said now.

    Raises:
        BadInput: the instrument has no such control, or a binding is not written so.
    """
    names = {control.name for control in instrument.controls}
    kept = read_bindings(settings_file(), model)
    bindings = {number: name for number, name in kept.items() if name in names}
    return Knobs(instrument.controls, bindings | parse_bindings(said), learn)
