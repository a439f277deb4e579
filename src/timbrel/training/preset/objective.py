"""What `preset` is trained for: patches from sounds, and tones that lie near their like.

    loss = ParameterLoss(what the predictor says, the patch) + tone_weight * triplets

An item is a patch with the notes that show it, so that every sound of a batch has its partner.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from timbrel.audio import write_audio
from timbrel.config import Settings
from timbrel.data.evenly import evenly
from timbrel.data.presets.preset_set import PresetSet
from timbrel.dsp.mel import FLOOR_DB, denormalise_db, normalise_db
from timbrel.instruments.preset import Preset, PresetNetwork, PresetSettings
from timbrel.instruments.preset.answers import likeliest
from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE, SCALE, Heard, hear
from timbrel.instruments.preset.hearing.target import TYPICAL_VELOCITY
from timbrel.instruments.preset.rendering import attempted
from timbrel.sound import Notes
from timbrel.synths import load_synth
from timbrel.training.model_card import CardPart, write_model
from timbrel.training.objective import Objective, TrainingSet
from timbrel.training.preset.bank import preset_bank
from timbrel.training.preset.parameter_loss import (
    ParameterLoss,
    ParameterLossSettings,
    triplet_loss,
)
from timbrel.training.preset.recommender import RecommenderTraining, learn_recommender
from timbrel.training.preset.tuning import take_over
from timbrel.training.preview import draw_pairs
from timbrel.training.settings import TrainingSettings

_PREVIEWS = 6
_STATISTICS_OF = 1000
"""Notes that means and deviations are taken from."""

_AT_ONCE = 50
_UNTILTED_HZ = 1000.0


class PresetData(Settings):
    """The set, as `timbrel data presets build` makes it.

    Attributes:
        train: folder of the set; its splits say what is trained on and what is judged.
        tilt_db: mels are made brighter or duller by so many dB per octave, at most, so that a
            microphone's or a mixer's colour says nothing.
        noise_db: level of the noise that may lie under a sound, below its maximum; -80, where mels
            end, for none.
    """

    train: str = "data/presets/subtractive"
    tilt_db: float = Field(default=0.5, ge=0, le=12)
    noise_db: float = Field(default=-60.0, ge=FLOOR_DB, le=0)


class PresetLoss(Settings):
    """Weights of the losses.

    Attributes:
        parameters: what the parts of an answer are worth.
        tone_weight: of the tone matcher's triplets.
        margin: by which another patch shall lie further away.
    """

    parameters: ParameterLossSettings = ParameterLossSettings()
    tone_weight: float = Field(default=0.5, ge=0)
    margin: float = Field(default=0.3, gt=0, lt=2)


class PresetTraining(TrainingSettings):
    """A whole training file."""

    family: Literal["preset"] = "preset"
    data: PresetData = PresetData()
    model: PresetSettings = PresetSettings()
    objective: PresetLoss = PresetLoss()
    recommender: RecommenderTraining = RecommenderTraining()

    tuning: ClassVar[Mapping[str, Any]] = {"steps": 600, "learning_rate": 5e-4}


class PresetBatch(NamedTuple):
    """Sounds and the patches behind them; see `PatchNotes`."""

    heard: Heard
    vector: Float[Tensor, "batch params"]
    patch: Int[Tensor, " batch"]
    pitch: Float[Tensor, " batch"]
    held_s: Float[Tensor, " batch"]


class PatchItems(TrainingSet):
    """The patches of a split, each with all its notes.

    Args:
        presets: the split.
        tilt_db, noise_db: as in `PresetData`; by default they change nothing.
    """

    def __init__(
        self, presets: PresetSet, tilt_db: float = 0.0, noise_db: float = FLOOR_DB
    ) -> None:
        self.presets, self.tilt_db, self.noise_db = presets, tilt_db, noise_db
        order = presets.notes.patch.argsort(stable=True)
        counts = presets.notes.patch.unique(return_counts=True)[1].tolist()
        self._notes = order.split(counts)

    def __len__(self) -> int:
        return len(self._notes)

    def batch(self, indices: Int[Tensor, " batch"], generator: torch.Generator) -> PresetBatch:
        """All notes of some patches."""
        rows = torch.cat([self._notes[i] for i in indices.tolist()])
        heard, notes = self.presets.heard(rows), self.presets.notes
        if self.tilt_db or self.noise_db > FLOOR_DB:
            heard = heard._replace(mel=self._disturbed(heard.mel, generator))
        return PresetBatch(
            heard, notes.vector[rows], notes.patch[rows], notes.pitch[rows], notes.held_s[rows]
        )

    def _disturbed(self, mel: Tensor, generator: torch.Generator) -> Tensor:
        """Tilted, and with a floor that is not always silence; in units of 40 dB."""
        octaves = (SCALE.centres_hz() / _UNTILTED_HZ).log2()[:, None]
        tilt_db = self.tilt_db * (2 * torch.rand(len(mel), 1, 1, generator=generator) - 1)
        tilted = mel + torch.where(mel > -1.0, octaves * tilt_db / 40.0, 0.0)
        chance = torch.rand(len(mel), 1, 1, generator=generator)
        floor_db = FLOOR_DB + (self.noise_db - FLOOR_DB) * (2 * chance - 1).clamp_min(0.0)
        ripple = 0.1 * torch.randn(mel.shape, generator=generator)
        floor = normalise_db(floor_db) + torch.where(floor_db > FLOOR_DB, ripple, 0.0)
        return torch.maximum(tilted, floor).clamp(-1.0, 1.0)


class PresetObjective(Objective):
    """Hear the notes of patches, and say which patches they are."""

    family: ClassVar[str] = "preset"
    banks_at_export: ClassVar[bool] = True
    network: PresetNetwork
    train_set: PatchItems
    validation_set: PatchItems | None = None

    def __init__(self, settings: PresetTraining) -> None:
        super().__init__()
        data = settings.data
        presets = PresetSet(data.train, "train")
        self.train_set = PatchItems(presets, data.tilt_db, data.noise_db)
        if any(entry.split == "valid" for entry in presets.entries):
            self.validation_set = PatchItems(PresetSet(data.train, "valid"))
        # a set knows its synthesizer, and a model is of that
        model = settings.model.model_copy(update={"synth": presets.settings.synth})
        self.settings = settings.model_copy(update={"model": model})
        self.space = presets.parameters.space
        self.network = PresetNetwork(model, presets.parameters)
        self.network.recommender.requires_grad_(False)
        some = evenly(len(presets), _STATISTICS_OF).split(_AT_ONCE)
        self.network.listener.learn_statistics(map(presets.heard, some))
        self.parameter_loss = ParameterLoss(
            self.space, settings.objective.parameters, presets.report["heard_db"]
        )

    def start_from(self, folder: Path) -> None:
        """Take over the weights of a model, of another synthesizer too: see `take_over`.

        Raises:
            BadModel: there are no weights, or they cannot be used.
        """
        take_over(folder, self.network, self.settings.model.synth)

    def forward(
        self,
        batch: PresetBatch,
        phase: str,  # noqa: ARG002 - a step seeds torch, which drops out
        generator: torch.Generator,  # noqa: ARG002
    ) -> dict[str, Tensor]:
        """Losses of a batch."""
        weights = self.settings.objective
        latent = self.network.listener(batch.heard)
        answer = self.network.predictor(latent, batch.pitch)
        losses = self.parameter_loss(answer, batch.vector, batch.held_s)
        tone = triplet_loss(self.network.matcher(latent), batch.patch, weights.margin)
        losses["loss"] = losses["loss"] + weights.tone_weight * tone
        return {**losses, "tone_loss": tone.detach()}

    @torch.no_grad()
    def preview(self, folder: Path, step: int) -> None:
        """A few held-out sounds over what the likeliest patches sound like."""
        items = self.validation_set or self.train_set
        chosen = evenly(len(items), _PREVIEWS)
        batch = items.batch(chosen, torch.Generator())
        network = copy.deepcopy(self.network).cpu().eval()
        vectors = likeliest(self.space, network.answer(batch.heard, batch.pitch))
        notes = Notes.of(batch.pitch.tolist(), TYPICAL_VELOCITY, batch.held_s.tolist())
        audio = attempted(load_synth(self.settings.model.synth), vectors, notes).nan_to_num()
        names = [items.presets.entries[i].name for i in batch.patch.tolist()]
        true_db, ours_db = map(denormalise_db, (batch.heard.mel, hear(audio).mel))
        draw_pairs(true_db, ours_db, folder / f"patches_{step:06d}.png", names)
        write_audio(folder / f"patches_{step:06d}.wav", audio.flatten(), SAMPLE_RATE)

    def export(self, folder: Path, record: Mapping[str, Any]) -> None:
        """Write the model, half precision on disk, with its bank, its index and its card."""
        instrument = Preset(self.settings.model, copy.deepcopy(self.network).cpu().eval())
        learn_recommender(
            instrument.network.recommender, self.train_set.presets, self.parameter_loss.cpu(),
            self.settings.recommender, torch.Generator().manual_seed(self.settings.loop.seed),
        )  # fmt: skip
        instrument.bank, instrument.index = preset_bank(instrument)
        presets = self.train_set.presets
        held_out = str(presets.folder) if "valid" in presets.report["patches"] else None
        data = told_set(presets, len(self.train_set))
        part = card_part(self.settings, data, held_out)
        write_model(folder, instrument, part, self.settings, record)


def told_set(presets: PresetSet, trained: int) -> str:
    """A set in words, as a card says what was trained on."""
    origins = ", ".join(f"{count} {origin}" for origin, count in presets.report["origins"].items())
    return f"{trained} patches ({origins} in the whole set; `{presets.folder}`)"


def card_part(settings: PresetTraining, data: str, held_out: str | None) -> CardPart:
    """What a model card says of this family."""
    synth = settings.model.synth
    return CardPart(
        title=f"preset, {synth}, {settings.size}",
        about=f"Hears which patch of {synth} makes a sound. One ear (convolutions over 128 mels\n"
        "of four seconds at 44.1 kHz, then a BiLSTM) serves predictor and tone matcher; a VAE\n"
        "over patches recommends others.",
        data=data,
        held_out=held_out,
        item="patches",
        judged="patches",
        judged_of="",
    )
