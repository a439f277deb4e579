"""The bank that a trained `mel_vae` ships: named sounds, means of families and sources, directions.

A sound's timbre is the mean over several of its instrument's notes, so that no single recording's
accidents are in it. Directions are measured over all encoded notes, with pitch and velocity taken
out; what is measured is the quality itself where it is a number (the spectral centroid), else
whether a note has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.config import Settings
from timbrel.data.gm_programs import gm_programs
from timbrel.data.note_set import NoteSet
from timbrel.data.nsynth_layout import FAMILIES, QUALITIES, SOURCES, UNKNOWN
from timbrel.errors import BadInput
from timbrel.instruments.mel_vae import MelVAENetwork
from timbrel.instruments.model_folder import weights_hash
from timbrel.timbre import Bank
from timbrel.timbre.directions import class_weights, mean_timbres, measure_direction
from timbrel.training.note_mels import NoteMels

_PLURALS = {
    "bass": "basses", "brass": "brasses", "flute": "flutes", "guitar": "guitars",
    "keyboard": "keyboards", "mallet": "mallets", "organ": "organs", "reed": "reeds",
    "string": "strings", "synth_lead": "synth_leads", "vocal": "voices",
}  # fmt: skip
_MEASURED = ("percussive", "fast_decay", "long_release", "nonlinear_env")
_OPPOSITES = {"dark": "bright", "sustained": "fast_decay", "soft": "percussive"}
_FEWEST = 30
_FEWEST_NOTES = 8
_BATCH = 64


class BankSettings(Settings):
    """What a trained model's bank holds.

    Attributes:
        names: "general_midi" calls the instruments of a SoundFont set by their programs
            ("violin"); "own" by their names in the set.
        also: further note sets whose instruments join as sounds, but in no mean or direction.
        lowest, highest: MIDI pitches of the notes that a sound's timbre is the mean of.
    """

    names: Literal["general_midi", "own"] = "own"
    also: tuple[str, ...] = ()
    lowest: int = 45
    highest: int = 75


def check_names(sets: Iterable[NoteSet], settings: BankSettings) -> None:
    """That every sound of these sets would have a name of its own in the bank.

    Raises:
        BadInput: names the one that two would share.
    """
    names = Counter({*_PLURALS.values(), UNKNOWN, *SOURCES, "bright", *_MEASURED, *_OPPOSITES})
    names.update(_called(name, settings)[0] for notes in sets for name in notes.instruments)
    name, times = names.most_common(1)[0]
    if times > 1:
        raise BadInput(f"the bank would have {times} timbres called {name!r}: rename an instrument")


@torch.no_grad()
def encode_notes(network: MelVAENetwork, notes: NoteMels) -> Float[Tensor, "notes latent"]:
    """The latent mean of every note."""
    device, means = next(network.parameters()).device, []
    for indices in torch.arange(len(notes)).split(_BATCH):
        batch = notes.unchanged(indices)
        mean, _ = network.encode(batch.heard.to(device), batch.heard_pitch.to(device))
        means.append(mean.cpu())
    return torch.cat(means)


def make_bank(
    network: MelVAENetwork, notes: NoteMels, settings: BankSettings, also: tuple[NoteMels, ...] = ()
) -> Bank:
    """Named sounds, means and directions of a network that has been trained on these notes."""
    bank = Bank(weights_hash(network))
    timbres = encode_notes(network, notes)
    _add_sounds(bank, timbres, notes, settings)
    for more in also:
        _add_sounds(bank, encode_notes(network, more), more, settings)
    for name, mean in _means(timbres, notes):
        bank.add(name, mean, "mean", "mean of its instruments")
    for name, direction in directions(timbres, notes).items():
        bank.add(name, direction, "direction", "one standard deviation more of it")
    return bank


def _means(
    timbres: Float[Tensor, "notes latent"], notes: NoteMels
) -> Iterator[tuple[str, Float[Tensor, " latent"]]]:
    """Means of families and of sources; each instrument counts alike, whatever its notes."""
    columns = notes.notes
    instrument = columns.instrument
    per_instrument = torch.stack(
        [timbres[instrument == i].mean(0) for i in range(len(columns.instruments))]
    )
    first = [int((instrument == i).nonzero()[0]) for i in range(len(columns.instruments))]
    families = [(*FAMILIES, UNKNOWN)[f] for f in columns.family[first].tolist()]
    yield from mean_timbres(per_instrument, [_PLURALS.get(f, UNKNOWN) for f in families]).items()
    sources = [SOURCES[s] for s in columns.source[first].tolist()]
    yield from mean_timbres(per_instrument, sources).items()


def directions(
    timbres: Float[Tensor, "notes latent"], notes: NoteMels
) -> Mapping[str, Float[Tensor, " latent"]]:
    """Directions by name: brightness from the measured centroid, others from note qualities.

    Some have an opposite, which is the way back; a handful of notes has no directions.
    """
    if len(notes) < _FEWEST_NOTES:
        return {}
    columns = notes.notes
    beside = torch.stack([columns.pitch.float(), columns.velocity.float()], dim=1)
    beside = torch.cat([beside, beside[:, :1].square()], dim=1)
    weights = class_weights(columns.instrument.tolist())
    measured = {"bright": centroid_octaves(notes)}
    for name in _MEASURED:
        has = columns.qualities[:, QUALITIES.index(name)].float()
        if min(int(has.sum()), int((1 - has).sum())) >= _FEWEST:
            measured[name] = has
    found = {
        name: measure_direction(timbres, amount, beside=beside, weights=weights)
        for name, amount in measured.items()
    }
    return found | {name: -found[of] for name, of in _OPPOSITES.items() if of in found}


def centroid_octaves(notes: NoteMels) -> Float[Tensor, " notes"]:
    """Spectral centroid of each note's first second, in octaves, from its log-mel."""
    octaves = notes.scale.centres_hz().log2()
    second = round(notes.scale.frame_rate)
    found = []
    for mel_db in notes.mel_db.split(512):
        power = 10 ** (mel_db[..., :second].float() / 10)
        found.append((power.mean(-1) * octaves).sum(1) / power.mean(-1).sum(1))
    return torch.cat(found)


def _add_sounds(
    bank: Bank, timbres: Float[Tensor, "notes latent"], notes: NoteMels, settings: BankSettings
) -> None:
    columns = notes.notes
    middle = (columns.pitch >= settings.lowest) & (columns.pitch <= settings.highest)
    chosen = middle & (columns.hold_s >= columns.hold_s.max() - 0.01)
    for i, name in enumerate(columns.instruments):
        own = columns.instrument == i
        members = own & chosen if bool((own & chosen).any()) else own
        called, about = _called(name, settings)
        bank.add(called, timbres[members].mean(0), "sound", about)


def _called(instrument: str, settings: BankSettings) -> tuple[str, str]:
    """The bank's name for an instrument, and a remark."""
    if settings.names == "own":
        return instrument, ""
    number = instrument.rpartition("_")[2]
    if not (number.isdecimal() and int(number) < len(gm_programs())):
        raise BadInput(f"{instrument!r} is no General MIDI program: set bank.names = 'own'")
    program = gm_programs()[int(number)]
    return program.short_name, f"General MIDI {program.number + 1}, {program.name}"
