"""A note set as log-mels in memory, and batches of (heard note, wanted note) pairs from it.

Mels are computed once, when training starts; as half floats ten thousand notes of 4 s take 0.4 GB.
Augmentation happens on them: equalisers, layers, decays and attacks make new instruments out of
few, and are done alike to the heard and the wanted note, so that they stay one instrument.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from timbrel.config import Settings
from timbrel.data.notes.note_set import NoteSet
from timbrel.dsp.mel import FLOOR_DB, MelScale, add_powers_db, mel_db, mel_power, normalise_db
from timbrel.errors import BadInput
from timbrel.training.levels import reference_db
from timbrel.units import amplitude_to_db, power_to_db

Share = Annotated[float, Field(ge=0, le=1)]

"""Notes struck at least so hard, as a share of the hardest, tell an instrument's level."""

_CHUNK = 64
_STRETCH_GRID = 16

_NO_LAYER_DB = -200.0
_SOFTEST_LAYER_DB = -20.0
_EQUALISER_POINTS = 7
_DECAY_DB_PER_S = (2.0, 28.0)
"""The slowest of extra decays and how much faster they may be; most are slow."""

_SHORTEST_ATTACK_S, _ATTACK_RATIO = 0.03, 20.0
"""Extra attacks last between the shortest and so many times that."""

_ATTACK_HEARD_EARLY_S = 0.004
"""The first frame's window reaches past the onset: it hears a little of a slow attack already."""


class AugmentSettings(Settings):
    """How often notes are made into new instruments, and how strongly.

    Attributes:
        cross: share of pairs whose wanted note is another one of the same instrument.
        equalise, layer, decay, attack: shares of pairs that get a random equaliser, a second
            instrument on top, an extra decay, a slower attack.
        equaliser_db: standard deviation of the equaliser's seven points.
    """

    cross: Share = 0.15
    equalise: Share = 0.7
    layer: Share = 0.25
    decay: Share = 0.2
    attack: Share = 0.15
    equaliser_db: float = Field(default=5.0, ge=0, le=40)


class MelPairs(NamedTuple):
    """A batch: what the encoder hears, and what the decoder should say.

    Attributes:
        heard, wanted: normalised log-mels.
        heard_pitch, pitch: MIDI numbers of the two.
        velocity: of the wanted note, 0..1.
        hold_s: how long its key was held.
        first_frame: where in that note `wanted` begins.
        level_db: maximum of its log-mel under the instrument's reference level.
    """

    heard: Float[Tensor, "batch mels frames"]
    heard_pitch: Float[Tensor, " batch"]
    wanted: Float[Tensor, "batch mels frames"]
    pitch: Float[Tensor, " batch"]
    velocity: Float[Tensor, " batch"]
    hold_s: Float[Tensor, " batch"]
    first_frame: Int[Tensor, " batch"]
    level_db: Float[Tensor, " batch"]


class NoteMels:
    """A training set of log-mel pairs.

    Args:
        notes: the notes; at the scale's sample rate.
        frames: of each log-mel; notes are cut or padded with silence.
        wanted_frames: of each wanted note, a random stretch of it, half of them from the onset;
            by default the whole.
        augment: None pairs each note with itself, unchanged.
    """

    def __init__(
        self,
        notes: NoteSet,
        scale: MelScale,
        frames: int,
        augment: AugmentSettings | None = None,
        wanted_frames: int | None = None,
    ) -> None:
        if notes.sample_rate != scale.sample_rate:
            raise BadInput(
                f"{notes.folder} has {notes.sample_rate} Hz, this model wants "
                f"{scale.sample_rate} Hz: make the set at that rate"
            )
        self.notes = notes
        self.scale = scale
        self.augment = augment
        self.wanted_frames = wanted_frames or frames
        self.mel_db, peak_db = _mels(notes, scale, frames)
        self.level_db = peak_db - reference_db(notes, peak_db)[notes.instrument]
        self._same_instrument = _groups(notes.instrument)
        full = notes.hold_s >= notes.hold_s.max() - 0.01
        self._full_hold = full
        self._same_pitch = _groups(torch.where(full, notes.pitch, -1))

    def __len__(self) -> int:
        return len(self.notes)

    def batch(self, indices: Int[Tensor, " batch"], generator: torch.Generator) -> MelPairs:
        """The notes at `indices` as wanted notes, each with a note to be heard."""
        if self.augment is None:
            return self.unchanged(indices)
        heard_at = self._hearable(indices, generator)
        heard, wanted = self._augmented(heard_at, indices, generator)
        first, wanted = self._stretch(wanted, generator)
        return self.unchanged(indices)._replace(
            heard=normalise_db(heard),
            heard_pitch=self.notes.pitch[heard_at].float(),
            wanted=normalise_db(wanted),
            first_frame=first,
        )

    def unchanged(self, indices: Int[Tensor, " batch"]) -> MelPairs:
        """The notes at `indices`, each heard and wanted whole as it is."""
        mel = normalise_db(self.mel_db[indices].float())
        pitch = self.notes.pitch[indices].float()
        velocity, hold_s = self.notes.velocity[indices].float() / 127, self.notes.hold_s[indices]
        first = torch.zeros(len(indices), dtype=torch.long)
        return MelPairs(mel, pitch, mel, pitch, velocity, hold_s, first, self.level_db[indices])

    def _stretch(
        self, wanted: Float[Tensor, "batch mels frames"], generator: torch.Generator
    ) -> tuple[Int[Tensor, " batch"], Float[Tensor, "batch mels stretch"]]:
        """A stretch of each note: half the time a decoder's work, and more of it on onsets."""
        count, length = len(wanted), self.wanted_frames
        places = (wanted.shape[-1] - length) // _STRETCH_GRID + 1
        late = torch.randint(2, (count,), generator=generator)
        first = late * torch.randint(places, (count,), generator=generator) * _STRETCH_GRID
        cut = [w[:, f : f + length] for w, f in zip(wanted, first.tolist(), strict=True)]
        return first, torch.stack(cut)

    def _hearable(
        self, indices: Int[Tensor, " batch"], generator: torch.Generator
    ) -> Int[Tensor, " batch"]:
        """Now and then another note of the same instrument."""
        assert self.augment is not None
        other = [_pick(self._same_instrument[i], generator)
                 for i in self.notes.instrument[indices].tolist()]  # fmt: skip
        crossed = torch.rand(len(indices), generator=generator) < self.augment.cross
        return torch.where(crossed, torch.tensor(other), indices)

    def _augmented(
        self,
        heard_at: Int[Tensor, " batch"],
        indices: Int[Tensor, " batch"],
        generator: torch.Generator,
    ) -> tuple[Float[Tensor, "batch mels frames"], Float[Tensor, "batch mels frames"]]:
        """The heard and the wanted notes in dB, made into other instruments alike."""
        assert self.augment is not None
        layer = self._layers(heard_at, indices, generator)
        shape_db = self._shapes_db(len(indices), generator)
        changed = []
        for places in (heard_at, indices):
            mel = self.mel_db[places].float()
            audible = torch.maximum(mel, layer) > FLOOR_DB + 0.5
            mel = add_powers_db(mel, layer)
            mel = torch.where(audible, mel + shape_db, FLOOR_DB)
            mel = (mel - mel.amax((1, 2), keepdim=True)).clamp_min(FLOOR_DB)
            # Silence stays at the floor, however soft the rest has become.
            changed.append(torch.where(audible, mel, FLOOR_DB))
        return changed[0], changed[1]

    def _layers(
        self,
        heard_at: Int[Tensor, " batch"],
        indices: Int[Tensor, " batch"],
        generator: torch.Generator,
    ) -> Float[Tensor, "batch mels frames"]:
        """A second instrument at the same pitch for some notes that are heard as wanted."""
        assert self.augment is not None
        layer = torch.full((len(indices), *self.mel_db.shape[1:]), _NO_LAYER_DB)
        chance = torch.rand(len(indices), generator=generator) < self.augment.layer
        chosen = chance & (heard_at == indices) & self._full_hold[indices]
        for row in chosen.nonzero()[:, 0].tolist():
            pitch = int(self.notes.pitch[indices[row]])
            partner = _pick(self._same_pitch[pitch], generator)
            gain_db = _SOFTEST_LAYER_DB * float(torch.rand((), generator=generator))
            layer[row] = self.mel_db[partner].float() + gain_db
        return layer

    def _shapes_db(
        self, count: int, generator: torch.Generator
    ) -> Float[Tensor, "batch mels frames"]:
        """Random equalisers, decays and attacks, as dB to add."""
        assert self.augment is not None
        _, n_mels, frames = self.mel_db.shape
        times_s = torch.arange(frames) / self.scale.frame_rate

        def some(share: float) -> Float[Tensor, "batch 1"]:
            return (torch.rand(count, 1, generator=generator) < share).float()

        points = (
            torch.randn(count, 1, _EQUALISER_POINTS, generator=generator)
            * self.augment.equaliser_db
        )
        equaliser = torch.nn.functional.interpolate(
            points, n_mels, mode="linear", align_corners=True
        )[:, 0] * some(self.augment.equalise)
        slowest, faster = _DECAY_DB_PER_S
        decay_db_per_s = slowest + faster * torch.rand(count, 1, generator=generator).square()
        decay = -decay_db_per_s * times_s * some(self.augment.decay)
        attack_s = _SHORTEST_ATTACK_S * _ATTACK_RATIO ** torch.rand(count, 1, generator=generator)
        rise = amplitude_to_db(((times_s + _ATTACK_HEARD_EARLY_S) / attack_s).clamp(max=1))
        envelope = decay + rise * some(self.augment.attack)
        return equaliser[:, :, None] + envelope[:, None, :]


def _mels(
    notes: NoteSet, scale: MelScale, frames: int
) -> tuple[Float[Tensor, "notes mels frames"], Float[Tensor, " notes"]]:
    """Each note's log-mel in dB under its own maximum as half floats, and that maximum in dB."""
    mels = torch.full((len(notes), scale.n_mels, frames), FLOOR_DB, dtype=torch.float16)
    peaks = torch.empty(len(notes))
    for start in range(0, len(notes), _CHUNK):
        places = range(start, min(start + _CHUNK, len(notes)))
        power = mel_power(notes.audio_batch(places), scale)[..., :frames]
        mels[start : places.stop, :, : power.shape[-1]] = mel_db(power).half()
        peaks[start : places.stop] = power_to_db(power.amax((1, 2)).clamp_min(1e-12))
    return mels, peaks


def _groups(labels: Int[Tensor, " notes"]) -> dict[int, Int[Tensor, " members"]]:
    return {int(label): (labels == label).nonzero()[:, 0] for label in labels.unique()}


def _pick(members: Int[Tensor, " members"], generator: torch.Generator) -> int:
    return int(members[torch.randint(len(members), (), generator=generator)])
