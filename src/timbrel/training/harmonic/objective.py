"""What `harmonic` is trained for: to say the levels of notes as analysis found them.

    loss = (mel + partial_weight * partials + noise_weight * noise) / 10 dB + kl_weight * KL

Mel is L1 between expected log-mels (`expected_mel.py`): what is heard of the levels. The
other two are L1 between the levels themselves, louder and lower ones counting for more: they say
which of a masked partial and the noise over it is to blame.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from timbrel.config import Settings, Size
from timbrel.data.evenly import evenly
from timbrel.data.notes.note_set import NoteSet
from timbrel.dsp.mel import FLOOR_DB
from timbrel.errors import BadInput
from timbrel.instruments.harmonic import Harmonic
from timbrel.instruments.harmonic.course import N_HEARD, Course
from timbrel.instruments.harmonic.network import HarmonicNetwork, HarmonicSettings
from timbrel.nn import kl_to_normal, reparameterize
from timbrel.training.banks.bank import BankSettings, check_bank, make_bank
from timbrel.training.harmonic.course_pairs import CoursePairs, CourseSet, PairSettings
from timbrel.training.harmonic.expected_mel import ExpectedMel
from timbrel.training.harmonic.note_courses import NoteCourses, joined, note_courses
from timbrel.training.model_card import CardPart, told_sets, write_model
from timbrel.training.objective import Objective, Phase
from timbrel.training.preview import draw_pairs
from timbrel.training.settings import TrainingSettings
from timbrel.units import midi_to_hz, power_to_db

_FLOOR_LEAK = 0.02
_PARTIAL_FLOOR_DB, _NOISE_FLOOR_DB = -85.0, -100.0
"""Under the note's loudest level: lower levels are right when they are this low."""

_LEAST_WEIGHT = 0.05
"""Of a level at the floor, beside 1.05 of the loudest."""

_LEAST_POWER = 1e-14
"""Of a mel band, so that silence has a level."""

_PREVIEWS = 8


class HarmonicData(Settings):
    """Note sets: folders in NSynth's layout, at the model's sample rate.

    Attributes:
        train: what is trained on: one set or several.
        more: sets that are trained on too, but give the bank no sounds: other recordings of
            instruments that it has already.
        validation: held-out notes, which choose the best weights; by default none are judged.
        pairs: how notes are made into new instruments.
    """

    train: str | tuple[str, ...] = "data/fluid/nsynth-train"
    more: tuple[str, ...] = ()
    validation: str | None = None
    pairs: PairSettings = PairSettings()


class HarmonicLoss(Settings):
    """Weights of the losses beside the mel's.

    Attributes:
        partial_weight: of the partials' levels.
        noise_weight: of the noise's.
        kl_weight: of the latent's KL divergence in nats.
    """

    partial_weight: float = Field(default=0.5, ge=0)
    noise_weight: float = Field(default=0.2, ge=0)
    kl_weight: float = Field(default=1e-4, ge=0)


class HarmonicTraining(TrainingSettings):
    """A whole training file."""

    family: Literal["harmonic"] = "harmonic"
    size: Size = "base"
    data: HarmonicData = HarmonicData()
    model: HarmonicSettings = HarmonicSettings()
    objective: HarmonicLoss = HarmonicLoss()
    bank: BankSettings = BankSettings()


class HarmonicObjective(Objective):
    """Hear a note; say it, or another one of its instrument, at random moments."""

    family: ClassVar[str] = "harmonic"
    network: HarmonicNetwork
    train_set: CourseSet
    validation_set: CourseSet | None = None
    phases = (Phase(betas=(0.9, 0.99)),)

    def __init__(self, settings: HarmonicTraining) -> None:
        super().__init__()
        self.settings = settings
        self.network = HarmonicNetwork(settings.model)
        data = settings.data
        paths = (data.train,) if isinstance(data.train, str) else data.train
        self.sets = tuple(self._opened(path) for path in paths)
        self.more = tuple(self._opened(path) for path in data.more)
        self.also = tuple(self._opened(path) for path in settings.bank.also)
        check_bank((*self.sets, *self.also), settings.bank)
        self.train_set = self._courses((*self.sets, *self.more), data.pairs)
        if data.validation is not None:
            self.validation_set = self._courses((self._opened(data.validation),), None)
        self.expected_mel = ExpectedMel(self.network.slots, self.network.bands)

    def _opened(self, path: str) -> NoteSet:
        notes, wanted = NoteSet.open(path), self.settings.model.sample_rate
        if notes.sample_rate != wanted:
            raise BadInput(
                f"{notes.folder} has {notes.sample_rate} Hz, this model wants {wanted} Hz: "
                "make the set at that rate"
            )
        return notes

    def _courses(self, sets: tuple[NoteSet, ...], pairs: PairSettings | None) -> CourseSet:
        slots, bands = self.network.slots, self.network.bands
        notes: list[NoteCourses] = [note_courses(one, slots) for one in sets]
        return CourseSet(joined(notes), slots, bands, pairs)

    def forward(
        self, batch: CoursePairs, phase: str, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Losses of a batch; in validation the latent is its mean."""
        weights = self.settings.objective
        mean, log_variance = self.network.encode(batch.heard, batch.heard_pitch)
        draw = phase != "validate"
        latent = reparameterize(mean, log_variance, generator) if draw else mean
        said = self.network.decoder(
            latent, batch.pitch, batch.velocity, batch.moment_s, batch.released_s
        )
        loudest = batch.loudest_db[:, None, None]
        mel = self._mel_error(said, batch, loudest).mean()
        partials = level_error(
            said.partial_db, batch.wanted.partial_db, loudest, _PARTIAL_FLOOR_DB,
            self._sounds(batch.pitch),
        )  # fmt: skip
        noise = level_error(said.noise_db, batch.wanted.noise_db, loudest, _NOISE_FLOOR_DB)
        kl = kl_to_normal(mean, log_variance).mean()
        level = weights.partial_weight * partials + weights.noise_weight * noise
        loss = (mel + level) / 10 + weights.kl_weight * kl
        return {
            "loss": loss, "mel_db": mel.detach(), "partial_db": partials.detach(),
            "noise_db": noise.detach(), "kl_nats": kl.detach(),
        }  # fmt: skip

    def _mel_error(
        self, said: Course, batch: CoursePairs, loudest: Tensor
    ) -> Float[Tensor, "batch moments mels"]:
        """|dB| between expected mels, each held at 80 dB under the note's loudest band."""
        floor_db = loudest + self.expected_mel.sine_db + FLOOR_DB
        said_db, wanted_db = (
            power_to_db(self.expected_mel(course, batch.pitch).clamp_min(_LEAST_POWER))
            for course in (said, batch.wanted)
        )
        return (floored(said_db, floor_db) - torch.maximum(wanted_db, floor_db)).abs()

    def _sounds(self, pitch: Float[Tensor, " batch"]) -> Float[Tensor, "batch 1 slots"]:
        """Weights of the slots: lower ones count for more, those above Nyquist not at all."""
        order = self.network.slots.centres.to(pitch)
        f0_hz = midi_to_hz(pitch)[:, None]
        inside = f0_hz * order < 0.49 * self.settings.model.sample_rate
        return (inside * order**-0.4)[:, None]

    @torch.no_grad()
    def preview(self, folder: Path, step: int) -> None:
        """A few held-out notes as a picture: their expected log-mels over those said."""
        notes = self.validation_set or self.train_set
        device = next(self.network.parameters()).device
        pairs = notes.unchanged(evenly(len(notes), _PREVIEWS))
        heard = Course(*(levels.to(device) for levels in pairs.heard))
        moment_s, released_s = (
            x[:, :N_HEARD].to(device) for x in (pairs.moment_s, pairs.released_s)
        )
        pitch, velocity = pairs.pitch.to(device), pairs.velocity.to(device)
        latent = self.network.encode(heard, pitch)[0]
        said = self.network.decoder(latent, pitch, velocity, moment_s, released_s)
        true_db, said_db = (
            power_to_db(self.expected_mel(course, pitch).clamp_min(_LEAST_POWER)).cpu()
            for course in (heard, said)
        )
        draw_pairs(true_db.mT, said_db.mT, folder / f"notes_{step:06d}.png")

    def export(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Write the model, half precision on disk, with its bank and its card."""
        notes, settings = self.sets, self.settings
        instrument = Harmonic(settings.model, copy.deepcopy(self.network).cpu())
        also = (*notes[1:], *self.also)
        instrument.bank = make_bank(instrument, notes[0], also, settings.bank)
        part = card_part(settings, told_sets((*notes, *self.more)))
        write_model(folder, instrument, part, settings, record)


def card_part(settings: HarmonicTraining, data: str) -> CardPart:
    """What a model card says of this family, trained on what `data` says."""
    synthetic = 100 * settings.data.pairs.synthetic
    return CardPart(
        title=f"harmonic, {settings.size}, {settings.model.sample_rate / 1000:g} kHz",
        about="Harmonics, noise and a burst, said moment by moment by a neural field that is told "
        f"a latent, pitch,\nvelocity and time. Latent: {settings.model.latent}.",
        data=f"{data}; and instruments that nobody built, drawn at each step for\n"
        f"  {synthetic:.0f} % of the pairs",
        held_out=settings.data.validation,
    )


def level_error(
    said_db: Float[Tensor, "*any"],
    wanted_db: Float[Tensor, "*any"],
    loudest_db: Tensor,
    lowest_db: float,
    weight: Tensor | float = 1.0,
) -> Float[Tensor, ""]:
    """Weighted mean |dB|; what lies `lowest_db` under the loudest counts as lying there.

    Args:
        said_db: levels.
        wanted_db: what they should be; the louder, the more its error counts.
        loudest_db: of each note; broadcasts over its levels.
        lowest_db: of what counts, re the loudest: negative.
        weight: further weights; broadcast too.
    """
    floor_db = loudest_db + lowest_db
    wanted_db = torch.maximum(wanted_db, floor_db)
    share = _LEAST_WEIGHT + ((wanted_db - floor_db) / -lowest_db).clamp(0, 1) ** 1.5
    share = share * weight
    return (share * (floored(said_db, floor_db) - wanted_db).abs()).sum() / share.sum()


def floored(level_db: Float[Tensor, "*any"], floor_db: Tensor) -> Float[Tensor, "*any"]:
    """DB held at a floor, with a little slope below it so that gradients can climb back."""
    return torch.where(
        level_db < floor_db, floor_db + _FLOOR_LEAK * (level_db - floor_db), level_db
    )
