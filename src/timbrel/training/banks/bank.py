"""The bank that a trained model ships: named sounds, means of families and sources, directions.

A sound's timbre is the mean over several of its instrument's notes, so that no single recording's
accidents are in it; or, where those accidents are its life (`notes = 1`), that of one note.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from timbrel.config import Settings
from timbrel.data import NoteSet
from timbrel.data.evenly import evenly
from timbrel.data.notes.amounts import AMOUNTS
from timbrel.data.notes.encoding import encode_notes
from timbrel.data.notes.nsynth_layout import FAMILIES, SOURCES, UNKNOWN
from timbrel.data.soundfonts.gm_programs import gm_programs
from timbrel.errors import BadConfig, BadInput
from timbrel.instruments import Instrument
from timbrel.timbre import Bank
from timbrel.timbre.directions import mean_timbres
from timbrel.training.banks.directions import long_notes, measured_directions

_log = logging.getLogger(__name__)

_PLURALS = {
    "bass": "basses", "brass": "brasses", "flute": "flutes", "guitar": "guitars",
    "keyboard": "keyboards", "mallet": "mallets", "organ": "organs", "reed": "reeds",
    "string": "strings", "synth_lead": "synth_leads", "vocal": "voices",
}  # fmt: skip
_MIDDLE_C, _TYPICAL_VELOCITY = 60, 85


class BankSettings(Settings):
    """What a trained model's bank holds.

    Attributes:
        names: "general_midi" calls the instruments of a SoundFont set by their programs
            ("violin"); "own" by their names in the set.
        also: further note sets whose instruments join as sounds, but in no mean or direction.
        lowest, highest: MIDI pitches of the notes that a sound's timbre is the mean of.
        notes: at most so many of each instrument; 1 takes the one nearest to middle C that is
            struck as hard as most.
        directions: the qualities that get one, as `timbrel.data.notes.amounts` names them.
        measured: how many notes directions are measured on.
        seed: of their draw.
    """

    names: Literal["general_midi", "own"] = "own"
    also: tuple[str, ...] = ()
    lowest: int = 45
    highest: int = 75
    notes: int = Field(default=16, ge=1)
    directions: tuple[str, ...] = tuple(AMOUNTS)
    measured: int = Field(default=1200, ge=8)
    seed: int = 0


def check_bank(sets: Sequence[NoteSet], settings: BankSettings) -> None:
    """That a bank could be made of these sets: better known before hours of training than after.

    Raises:
        BadConfig: a direction is asked for that nothing measures.
        BadInput: two sounds would share a name, or a sound and a direction.
    """
    unknown = set(settings.directions) - AMOUNTS.keys()
    if unknown:
        raise BadConfig(f"bank.directions: no {min(unknown)!r}, wanted {', '.join(AMOUNTS)}")
    called = Counter(_called(name, settings)[0] for notes in sets for name in notes.instruments)
    name, times = called.most_common(1)[0]
    if times > 1:
        raise BadInput(f"the bank would have {times} sounds called {name!r}: rename an instrument")
    taken = called.keys() & set(settings.directions)
    if taken:
        raise BadInput(
            f"an instrument is called {min(taken)!r} as a direction is: rename the instrument, "
            "or leave the direction out of bank.directions"
        )


def make_bank(
    instrument: Instrument, notes: NoteSet, also: Sequence[NoteSet], settings: BankSettings
) -> Bank:
    """Named sounds, means and directions of an instrument.

    Args:
        instrument: one that can encode.
        notes: what it was trained on: sounds, means and directions come from them.
        also: further sets, whose instruments become sounds alone.
        settings: names and numbers.
    """
    bank = Bank(instrument.fingerprint)
    sounds = instrument_timbres(instrument, notes, settings)
    further = [instrument_timbres(instrument, more, settings) for more in also]
    for timbres, of in zip([sounds, *further], [notes, *also], strict=True):
        for own, timbre in zip(of.instruments, timbres, strict=True):
            name, about = _called(own, settings)
            bank.add(name, timbre, "sound", about)
    for name, mean in _means(sounds, notes):
        if name in bank:  # somebody's folder "Strings" is what they mean by strings
            _log.warning("the bank gets no mean %r: an instrument is called so", name)
            continue
        bank.add(name, mean, "mean", "mean of its instruments")
    chosen = long_notes(notes, settings.measured, settings.seed)
    for name, direction in measured_directions(instrument, notes, chosen, settings.directions):
        about = f"one standard deviation more of it, in {AMOUNTS[name].unit}"
        bank.add(name, direction, "direction", about)
    return bank


def instrument_timbres(
    instrument: Instrument, notes: NoteSet, settings: BankSettings
) -> Float[Tensor, "instruments params"]:
    """Each instrument's timbre: the mean over its notes in the middle of the keyboard."""
    middle = (notes.pitch >= settings.lowest) & (notes.pitch <= settings.highest)
    whole = notes.hold_s >= notes.hold_s.max() - 0.01
    timbres = []
    for i in range(len(notes.instruments)):
        own = notes.instrument == i
        members = (own & middle & whole).nonzero()[:, 0]
        if not len(members):
            members = own.nonzero()[:, 0]
        timbres.append(encode_notes(instrument, notes, _few(notes, members, settings)).mean(0))
    return torch.stack(timbres)


def _few(
    notes: NoteSet, members: Int[Tensor, " members"], settings: BankSettings
) -> Int[Tensor, " few"]:
    """Members spread evenly over all of them, or the most typical one."""
    if settings.notes > 1:
        return members[evenly(len(members), settings.notes)]
    struck = (notes.velocity[members] - _TYPICAL_VELOCITY).abs().float() / 127
    away = (notes.pitch[members] - _MIDDLE_C).abs().float() + struck
    return members[away.argmin()][None]


def _means(
    sounds: Float[Tensor, "instruments params"], notes: NoteSet
) -> Iterator[tuple[str, Float[Tensor, " params"]]]:
    """Means of families and of sources; each instrument counts alike, whatever its notes."""
    first = [int((notes.instrument == i).nonzero()[0]) for i in range(len(sounds))]
    families = [(*FAMILIES, UNKNOWN)[f] for f in notes.family[first].tolist()]
    yield from mean_timbres(sounds, [_PLURALS.get(f, UNKNOWN) for f in families]).items()
    sources = [SOURCES[s] for s in notes.source[first].tolist()]
    yield from mean_timbres(sounds, sources).items()


def _called(instrument: str, settings: BankSettings) -> tuple[str, str]:
    """The bank's name for an instrument, and a remark."""
    if settings.names == "own":
        return instrument, ""
    number = instrument.rpartition("_")[2]
    if not (number.isdecimal() and int(number) < len(gm_programs())):
        raise BadInput(f"{instrument!r} is no General MIDI program: set bank.names = 'own'")
    program = gm_programs()[int(number)]
    return program.short_name, f"General MIDI {program.number + 1}, {program.name}"
