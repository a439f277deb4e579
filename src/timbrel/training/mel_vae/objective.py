"""What `mel_vae` is trained for: L1 on normalised log-mels, plus KL.

    loss = L1(log-mel) + level_weight * L1(level) + kl_weight * KL

`kl_weight = 0` makes it a plain autoencoder: the latent is then its mean, and nothing is drawn.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from timbrel.audio import write_audio
from timbrel.config import Settings
from timbrel.data.evenly import evenly
from timbrel.data.notes.note_set import NoteSet
from timbrel.dsp.mel import FLOOR_DB, denormalise_db, normalise_db
from timbrel.instruments.mel_vae import MelVAE, MelVAENetwork, MelVAESettings
from timbrel.nn import kl_to_normal, reparameterize
from timbrel.sound import Notes
from timbrel.training.banks.bank import BankSettings, check_bank, make_bank
from timbrel.training.mel_vae.note_mels import AugmentSettings, MelPairs, NoteMels
from timbrel.training.model_card import CardPart, told_sets, write_model
from timbrel.training.objective import Objective, Phase
from timbrel.training.preview import draw_pairs
from timbrel.training.settings import TrainingSettings

_DB_PER_UNIT = -FLOOR_DB / 2
"""What 1 of a normalised log-mel is in dB."""

_FLOOR_LEAK = 0.02
_PREVIEWS = 8


class MelVAEData(Settings):
    """Note sets: folders in NSynth's layout.

    Attributes:
        train: what is trained on.
        validation: held-out notes, which choose the best weights; by default none are judged.
        wanted_frames: of each note that is decoded in training; a multiple of 16.
        augment: how notes are made into new instruments.
    """

    train: str = "data/fluid/nsynth-train"
    validation: str | None = None
    wanted_frames: int = Field(default=128, ge=16, multiple_of=16)
    augment: AugmentSettings = AugmentSettings()


class MelVAELoss(Settings):
    """Weights of the losses beside the log-mel's.

    Attributes:
        kl_weight: of the latent's KL divergence in nats; 0 is a plain autoencoder.
        level_weight: of the level's error, in units of the normalised log-mel.
    """

    kl_weight: float = Field(default=3e-5, ge=0)
    level_weight: float = Field(default=0.1, ge=0)


class MelVAETraining(TrainingSettings):
    """A whole training file."""

    family: Literal["mel_vae"] = "mel_vae"
    data: MelVAEData = MelVAEData()
    model: MelVAESettings = MelVAESettings()
    objective: MelVAELoss = MelVAELoss()
    bank: BankSettings = BankSettings()

    @model_validator(mode="after")
    def _wants_no_more_than_it_has(self) -> MelVAETraining:
        wanted, crop = self.data.wanted_frames, self.model.crop
        if wanted > crop:
            raise ValueError(f"data.wanted_frames = {wanted} is more than model.crop = {crop}")
        return self


class MelVAEObjective(Objective):
    """Encode a note, decode it or another one of its instrument, compare log-mels."""

    family: ClassVar[str] = "mel_vae"
    network: MelVAENetwork
    train_set: NoteMels
    validation_set: NoteMels | None = None
    # A short memory of squared gradients: the first steps' are a hundred times the later ones'.
    phases = (Phase(betas=(0.9, 0.99)),)

    def __init__(self, settings: MelVAETraining) -> None:
        super().__init__()
        self.settings = settings
        data, model = settings.data, settings.model
        self.network = MelVAENetwork(model)
        scale = self.network.scale
        self.train_set = NoteMels(
            NoteSet.open(data.train), scale, model.crop, data.augment, data.wanted_frames
        )
        if data.validation is not None:
            self.validation_set = NoteMels(NoteSet.open(data.validation), scale, model.crop)
        # Opened now: what is wrong with them must not come out after hours of training.
        self.also = tuple(NoteSet.open(path) for path in settings.bank.also)
        check_bank((self.train_set.notes, *self.also), settings.bank)

    def forward(self, batch: MelPairs, phase: str, generator: torch.Generator) -> dict[str, Tensor]:
        """Losses of a batch; in validation the latent is its mean."""
        weights = self.settings.objective
        mean, log_variance = self.network.encode(batch.heard, batch.heard_pitch)
        variational = weights.kl_weight > 0
        draw = variational and phase != "validate"
        latent = reparameterize(mean, log_variance, generator) if draw else mean
        decoded = self.network.decoder(
            latent, batch.pitch, batch.velocity, batch.hold_s, batch.wanted.shape[-1],
            batch.first_frame,
        )  # fmt: skip
        l1 = (normalise_db(floored(decoded.mel_db)) - batch.wanted).abs().mean()
        level_db = (decoded.level_db - batch.level_db).abs().mean()
        losses = {"log_mel_l1_db": l1.detach() * _DB_PER_UNIT, "level_error_db": level_db.detach()}
        loss = l1 + weights.level_weight * level_db / _DB_PER_UNIT
        if variational:
            kl = kl_to_normal(mean, log_variance).mean()
            loss = loss + weights.kl_weight * kl
            losses["kl_nats"] = kl.detach()
        else:
            # Keeps the unused half of the head out of DDP's list of missing gradients.
            loss = loss + 0.0 * log_variance.mean()
        return {"loss": loss, **losses}

    @torch.no_grad()
    def preview(self, folder: Path, step: int) -> None:
        """A few held-out notes, true over decoded, as a picture; and decoded as sound."""
        notes = self.validation_set or self.train_set
        chosen = evenly(len(notes), _PREVIEWS)
        pairs = notes.unchanged(chosen)
        network = copy.deepcopy(self.network).cpu()  # instruments play on the CPU
        latents = network.encode(pairs.heard, pairs.heard_pitch)[0]
        decoded = network.decoder(
            latents, pairs.pitch, pairs.velocity, pairs.hold_s, pairs.wanted.shape[-1]
        )
        mels_db = decoded.mel_db.clamp_min(FLOOR_DB)
        names = [notes.notes.names[i] for i in chosen.tolist()]
        draw_pairs(denormalise_db(pairs.wanted), mels_db, folder / f"notes_{step:06d}.png", names)
        asked = Notes(pairs.pitch, pairs.velocity, pairs.hold_s)
        rendered = MelVAE(self.settings.model, network).render(asked, latents)
        write_audio(
            folder / f"notes_{step:06d}.wav", torch.cat(list(rendered)), rendered.sample_rate
        )

    def export(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Write the model, half precision on disk, with its bank and its card."""
        notes, network = self.train_set.notes, copy.deepcopy(self.network).cpu()
        instrument = MelVAE(self.settings.model, network)
        instrument.bank = make_bank(instrument, notes, self.also, self.settings.bank)
        part = card_part(self.settings, told_sets([notes]))
        write_model(folder, instrument, part, self.settings, record)


def card_part(settings: MelVAETraining, data: str) -> CardPart:
    """What a model card says of this family, trained on what `data` says."""
    kind = "variational autoencoder" if settings.objective.kl_weight else "autoencoder"
    return CardPart(
        title=f"mel_vae, {settings.size}",
        about=f"A convolutional {kind} on log-mels (80 bands, 16 kHz) whose decoder is told\n"
        f"pitch, velocity and duration. Latent: {settings.model.latent}.",
        data=data,
        held_out=settings.data.validation,
    )


def floored(mel_db: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """DB held at the floor, with a little slope below it so that gradients can climb back."""
    below = FLOOR_DB + _FLOOR_LEAK * (mel_db - FLOOR_DB)
    return torch.where(mel_db < FLOOR_DB, below, mel_db)
