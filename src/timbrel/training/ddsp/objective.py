"""What `ddsp` is trained for: to play phrases again from their melodies (Engel et al. 2020).

    loss = multi-resolution STFT (linear and logarithmic) + kl_weight * KL

A crop's beginning is played and not judged: there the decoder has not heard yet what went before.
Each step judges by a few of the loss's windows, drawn anew; validation by all.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field, field_validator
from torch import Tensor

from timbrel.audio import write_audio
from timbrel.config import Settings
from timbrel.data.notes.nsynth_layout import SPLITS
from timbrel.data.phrases.phrase_set import PhraseSet
from timbrel.dsp.mel import mel_power
from timbrel.dsp.trackers import Tracker
from timbrel.errors import BadInput
from timbrel.instruments.ddsp import Ddsp, DdspNetwork, DdspSettings, sound_of
from timbrel.instruments.ddsp.measuring import measured_manner
from timbrel.nn import kl_to_normal, reparameterize
from timbrel.picture.panels import picture_scale
from timbrel.timbre import Bank
from timbrel.training.ddsp.multi_resolution import WINDOWS_S, multi_resolution_loss, some_windows
from timbrel.training.ddsp.phrase_crops import PhraseCrops, PhraseCropSet
from timbrel.training.model_card import CardPart, write_model
from timbrel.training.objective import Objective, Phase
from timbrel.training.preview import draw_pairs
from timbrel.training.settings import TrainingSettings
from timbrel.units import power_to_db

_PREVIEWS = 4
_PREVIEW_S = 8.0
_NOISE_STARTS = 1 << 20
_HEARD_S = 30.0
"""Of each phrase, to hear an instrument's latent."""

_CALLED = {"gru": "GRU", "transformer": "causal Transformer"}

_ALL_BELOW_MINUTES = 3.0
"""Of a folder that nobody parted: so little is all trained on, and nothing held out."""


class DdspData(Settings):
    """Phrase sets: folders of recordings, one instrument in each.

    Attributes:
        train: what is trained on: one instrument's folder or several. Their valid split, where
            there is one, chooses the best weights.
        tracker: who hears the melodies: `light`, unless they are never to be followed live.
        crop_s: seconds of each crop that are judged.
        lead_s: seconds before them that are played only.
    """

    train: str | tuple[str, ...] = "data/phrases/violin"
    tracker: Tracker = "light"
    crop_s: float = Field(default=1.0, ge=0.1, le=20)
    lead_s: float = Field(default=0.2, ge=0, le=5)

    @field_validator("train")
    @classmethod
    def _names_folders(cls, train: str | tuple[str, ...]) -> str | tuple[str, ...]:
        names = (train,) if isinstance(train, str) else train
        if not names or not all(name.strip() for name in names):
            raise ValueError("give a folder of recordings, or several")
        return train


class DdspLoss(Settings):
    """How a crop is judged.

    Attributes:
        windows: of the loss's, how many judge each step.
        kl_weight: of the latent's KL divergence in nats.
    """

    windows: int = Field(default=2, ge=1, le=len(WINDOWS_S))
    kl_weight: float = Field(default=1e-3, ge=0)


class DdspTraining(TrainingSettings):
    """A whole training file."""

    # ten seconds of an instrument are heard often enough in two minutes
    tuning: ClassVar[Mapping[str, Any]] = {
        "steps": 400, "learning_rate": 1e-3, "warmup_steps": 20, "validate_every": 200,
        "preview_every": 200,
    }  # fmt: skip

    family: Literal["ddsp"] = "ddsp"
    data: DdspData = DdspData()
    model: DdspSettings = DdspSettings()
    objective: DdspLoss = DdspLoss()


class DdspObjective(Objective):
    """Hear a melody and, where there is a latent, another phrase; play the first again."""

    family: ClassVar[str] = "ddsp"
    network: DdspNetwork
    train_set: PhraseCropSet
    validation_set: PhraseCropSet | None = None
    phases = (Phase(betas=(0.9, 0.99)),)

    def __init__(self, settings: DdspTraining) -> None:
        super().__init__()
        self.settings = settings
        self.network = DdspNetwork(settings.model)
        paths = settings.data.train
        paths = (paths,) if isinstance(paths, str) else paths
        self.sets, held_out = zip(*(opened(path) for path in paths), strict=True)
        check_names(self.sets)
        self.train_set = self._crops(self.sets)
        if any(len(phrases) for phrases in held_out):
            self.validation_set = self._crops(held_out)

    def _crops(self, sets: tuple[PhraseSet, ...]) -> PhraseCropSet:
        data = self.settings.data
        rate = self.settings.model.sample_rate
        return PhraseCropSet(sets, rate, data.lead_s + data.crop_s, data.tracker)

    def forward(
        self, batch: PhraseCrops, phase: str, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Losses of a batch; in validation by all windows, the latent being its mean."""
        weights, is_judged = self.settings.objective, phase == "validate"
        mean, log_variance = self.network.hear(batch.heard)
        latent = mean if is_judged else reparameterize(mean, log_variance, generator)
        sound = self._played(batch, latent, generator)
        windows = WINDOWS_S if is_judged else some_windows(weights.windows, generator)
        lead = round(self.settings.data.lead_s * self.settings.model.sample_rate)
        with torch.autocast(sound.device.type, enabled=False):
            spectra = multi_resolution_loss(
                sound[:, lead:], batch.audio[:, lead:], self.settings.model.sample_rate, windows
            )
        if not self.settings.model.latent:
            return {"loss": spectra}
        kl = kl_to_normal(mean, log_variance).mean()
        loss = spectra + weights.kl_weight * kl
        return {"loss": loss, "spectra": spectra.detach(), "kl_nats": kl.detach()}

    def _played(
        self, batch: PhraseCrops, latent: Tensor, generator: torch.Generator
    ) -> Float[Tensor, "batch time"]:
        """The batch's melodies; noise that is nowhere alike."""
        said = self.network.decoder(latent, batch.asked)
        starts = torch.randint(
            _NOISE_STARTS, (len(latent),), generator=generator, device=generator.device
        )
        with torch.autocast(latent.device.type, enabled=False):
            return sound_of(self.network, batch.asked, said, noise_start=starts)

    @torch.no_grad()
    def preview(self, folder: Path, step: int) -> None:
        """A few phrases, true and played again: as sound, and as pictures of both."""
        instrument = self._instrument()
        pairs = list(self._pairs(instrument))
        rate = instrument.sample_rate
        for name, sounds in zip(("true", "said"), zip(*pairs, strict=True), strict=True):
            write_audio(folder / f"{name}_{step:06d}.wav", torch.cat(sounds), rate)
        shortest = min(len(true) for true, _ in pairs)
        scale = picture_scale(shortest, rate)
        true_db, said_db = (
            power_to_db(mel_power(torch.stack([s[:shortest] for s in sounds]), scale) + 1e-9)
            for sounds in zip(*pairs, strict=True)
        )
        draw_pairs(true_db, said_db, folder / f"phrases_{step:06d}.png")

    def _pairs(self, instrument: Ddsp) -> Iterator[tuple[Tensor, Tensor]]:
        """Phrases as they are and as they are played, spread over the instruments."""
        chosen = self.sets[:: max(1, len(self.sets) // _PREVIEWS)][:_PREVIEWS]
        each, longest = _PREVIEWS // len(chosen), round(_PREVIEW_S * instrument.sample_rate)
        for train in chosen:
            held_out = opened(train.folder)[1]
            phrases = held_out if len(held_out) else train
            few = PhraseSet(phrases.folder, phrases.paths[:each])
            timbre = self._timbre(instrument, few)
            for place, melody in enumerate(few.melodies(self.settings.data.tracker)):
                said = instrument.transfer(melody, timbre)[:longest]
                yield few.audio(place, instrument.sample_rate)[: len(said)], said

    def _instrument(self) -> Ddsp:
        """What the weights are now; instruments play on the CPU."""
        return Ddsp(self.settings.model, copy.deepcopy(self.network).cpu().float())

    def _timbre(self, instrument: Ddsp, phrases: PhraseSet) -> Float[Tensor, " params"]:
        """The mean latent of some phrases, and their manner."""
        length = round(_HEARD_S * instrument.sample_rate)
        heard = [
            instrument.network.hear(phrases.audio(place, instrument.sample_rate)[None, :length])[0]
            for place in range(len(phrases))
        ]
        manner = measured_manner(phrases.melodies(self.settings.data.tracker))
        return instrument.layout.timbre(torch.cat(heard).mean(0), manner)

    @torch.no_grad()
    def export(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Write the model, half precision on disk, with a timbre for each instrument."""
        instrument = self._instrument()
        instrument.bank = Bank(instrument.fingerprint)
        for phrases in self.sets:
            instrument.bank.add(
                phrases.name, self._timbre(instrument, phrases),
                about=f"{len(phrases)} phrases, {phrases.minutes:.0f} minutes",
            )  # fmt: skip
        held_out = len(self.validation_set or ())
        names = ", ".join(phrases.name for phrases in self.sets)
        minutes = sum(phrases.minutes for phrases in self.sets)
        part = card_part(self.settings, names, minutes, f"{held_out} crops" if held_out else None)
        write_model(folder, instrument, part, self.settings, record)


def opened(path: str | Path) -> tuple[PhraseSet, PhraseSet]:
    """What is trained on of a folder, and what is held out: of little that nobody parted, nothing.

    Raises:
        BadInput: there is no such folder, or no recording in it.
    """
    whole = PhraseSet.open(path)
    train, valid = PhraseSet.open(path, "train"), PhraseSet.open(path, "valid")
    is_parted = any((whole.folder / split).is_dir() for split in SPLITS)
    if not is_parted and (not len(train) or whole.minutes < _ALL_BELOW_MINUTES):
        return whole, PhraseSet(whole.folder, ())
    return train, valid


def check_names(sets: tuple[PhraseSet, ...]) -> None:
    """That instruments can be told by their folders' names.

    Raises:
        BadInput: two have the same.
    """
    names = [phrases.name for phrases in sets]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise BadInput(f"two folders are called {min(twice)!r}: rename one")


def card_part(
    settings: DdspTraining, names: str, minutes: float, held_out: str | None = None
) -> CardPart:
    """What a model card says of this family, trained on so many minutes of some instruments."""
    model = settings.model
    latent = f"Latent: {model.latent}" if model.latent else "One instrument: there is no latent"
    return CardPart(
        title=f"ddsp, {names}, {settings.size}, {model.sample_rate / 1000:g} kHz",
        about="Follows pitch and loudness: harmonics, noise and a room, said by a "
        f"{_CALLED[model.decoder]}.\n{latent}.",
        data=f"{minutes:.0f} minutes of {names}",
        held_out=held_out,
        item="crops",
        judged="phrases",
    )
