"""The instrument `mel_vae`: encoding sounds, playing notes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from timbrel.audio import require_note
from timbrel.dsp.first_note import one_note
from timbrel.dsp.inversion import Method
from timbrel.dsp.mel import FLOOR_DB, MelScale, log_mel, normalise_db
from timbrel.dsp.onset import from_onset
from timbrel.dsp.pitch import note_pitch
from timbrel.instruments.instrument import (
    Ability,
    ControlValues,
    check_pitch,
    fit_steps,
    resolve_controls,
)
from timbrel.instruments.mel_vae.decoded import LONGEST_HOLD_S, RELEASE_S, Decoded
from timbrel.instruments.mel_vae.network import STRIDE, MelVAENetwork, MelVAESettings
from timbrel.instruments.mel_vae.sounding import controlled, sounds_of
from timbrel.instruments.network_instrument import NetworkInstrument
from timbrel.sound import Control, Notes, Rendered, TimbreSpace

TYPICAL_VELOCITY = 0.67
"""Of a sound that is heard: nobody wrote down how hard it was struck."""

FIT_STEPS_PER_S = 25
"""What one core makes in a second."""

_FIT_LEARNING_RATE = 0.05
_FIT_PULL = 1e-4
"""Weight of a fitted latent's squared distance from the encoder's, beside the log-mel's L1."""

_HOLDS_S = (0.1, 0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 2.5, 3.0)
"""When the key of a heard sound may have come up: steps that are as audible at either end."""

_BATCH_NOTES = 16
"""Most notes that are decoded at once: more would save no time, and cost memory."""


class MelVAE(NetworkInstrument[MelVAESettings, MelVAENetwork]):
    """Encodes a note to a latent, and plays any notes with it.

    Args:
        settings: of the network.
        network: its weights; random ones by default.
        inversion: how mels become audio. `pitched` lays the harmonics on the note's own f0 and
            follows bends; the other two know no pitch and ignore bends.
    """

    family: ClassVar[str] = "mel_vae"
    settings_class = MelVAESettings
    network_class = MelVAENetwork
    abilities: frozenset[Ability] = frozenset({"encode", "generate", "velocity", "bend"})
    controls = (
        Control("brightness", "dB/octave", -12.0, 12.0, 0.0),
        Control("noise", "dB", -40.0, 20.0, 0.0),
    )

    def __init__(
        self,
        settings: MelVAESettings | None = None,
        network: MelVAENetwork | None = None,
        inversion: Method = "pitched",
    ) -> None:
        super().__init__(settings, network)
        self.inversion: Method = inversion
        self.sample_rate = self.network.scale.sample_rate
        self.timbre_space = TimbreSpace.gaussian(self.settings.latent)

    @torch.inference_mode()
    def render(
        self,
        notes: Notes,
        timbre: Float[Tensor, "*notes params"],
        controls: ControlValues | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Rendered:
        """Audio of each note; what is held for more than 3 s goes on as it did before."""
        latents = self.timbre_space.for_notes(timbre, len(notes))
        values = resolve_controls(self.controls, controls)
        salt = 0 if generator is None else int(torch.randint(1 << 31, (), generator=generator))
        sounds: list[Tensor] = [torch.empty(0)] * len(notes)
        for members in _of_equal_frames(notes, self.network.scale):
            decoded = self.decode(notes[members], latents[members])
            decoded = controlled(decoded, values, self.network.scale)
            rendered = sounds_of(decoded, notes[members], self.network.scale, self.inversion, salt)
            for i, sound in zip(members, rendered, strict=True):
                sounds[i] = sound
        return Rendered.of(sounds, self.sample_rate)

    def decode(self, notes: Notes, latents: Float[Tensor, "notes latent"]) -> Decoded:
        """What the network says of notes of about the same length, for as long as they sound."""
        scale = self.network.scale
        held_s = notes.duration_s.clamp(max=LONGEST_HOLD_S)
        frames = _frames(float(held_s.max()), scale)
        said = self.network.decoder(latents, notes.pitch, notes.velocity, held_s, frames)
        decoded = said.held_down()
        extra = round(float((notes.duration_s - held_s).max()) * scale.frame_rate)
        return decoded if extra == 0 else decoded.sustained(extra, scale.frame_rate)

    def encode(
        self,
        audio: Float[Tensor, " time"],
        *,
        pitch: float | None = None,
        seconds: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Float[Tensor, " params"]:
        """The latent's mean, then fitted by gradient descent: 25 steps for each of `seconds`.

        However fast the machine is, so that it hears alike everywhere.

        Raises:
            BadAudio: the sound is silent or not finite, or has no pitch and none was given.
        """
        sound = require_note(audio, self.sample_rate)
        if pitch is None:
            sound = one_note(sound, self.sample_rate)
        heard = from_onset(sound, self.sample_rate)
        pitch = note_pitch(heard, self.sample_rate) if pitch is None else check_pitch(pitch)
        mel = self._heard_mel(heard)
        midi = torch.tensor([float(pitch)])
        with torch.no_grad():
            latent = self.network.encode(mel, midi)[0]
        steps = fit_steps(seconds, FIT_STEPS_PER_S)
        return (self._fitted(latent, mel, midi, steps) if steps else latent)[0]

    def _heard_mel(self, audio: Float[Tensor, " time"]) -> Float[Tensor, "1 mels frames"]:
        """The first `crop` frames of a sound as a normalised log-mel, padded with silence."""
        mel = log_mel(audio, self.network.scale)[None, :, : self.settings.crop]
        return nn.functional.pad(mel, (0, self.settings.crop - mel.shape[-1]), value=-1.0)

    def _fitted(
        self,
        latent: Float[Tensor, "1 latent"],
        mel: Float[Tensor, "1 mels frames"],
        pitch: Float[Tensor, 1],
        steps: int,
    ) -> Float[Tensor, "1 latent"]:
        """Adam on the latent alone, towards the log-mel; a pull keeps it near the encoder's."""
        held_s = self._likeliest_hold(latent, mel, pitch)
        fitted = latent.clone().requires_grad_()
        optimizer = torch.optim.Adam([fitted], lr=_FIT_LEARNING_RATE)
        for _ in range(steps):
            optimizer.zero_grad()
            error = self._mel_error(fitted, mel, pitch, held_s)
            (error.sum() + _FIT_PULL * (fitted - latent).square().sum()).backward(inputs=[fitted])
            optimizer.step()
        return fitted.detach()

    @torch.no_grad()
    def _likeliest_hold(
        self,
        latent: Float[Tensor, "1 latent"],
        mel: Float[Tensor, "1 mels frames"],
        pitch: Float[Tensor, 1],
    ) -> Float[Tensor, 1]:
        """When the key came up nobody wrote down: the time that explains the sound best."""
        holds_s = torch.tensor(_HOLDS_S)
        count = len(holds_s)
        error = self._mel_error(
            latent.expand(count, -1), mel.expand(count, -1, -1), pitch.expand(count), holds_s
        )
        return holds_s[error.argmin()][None]

    def _mel_error(
        self, latent: Tensor, mel: Tensor, pitch: Tensor, held_s: Tensor
    ) -> Float[Tensor, " batch"]:
        """Mean L1 of what the network says from the normalised log-mel of each sound."""
        velocity = torch.full_like(pitch, TYPICAL_VELOCITY)
        decoded = self.network.decoder(latent, pitch, velocity, held_s, mel.shape[-1])
        return (normalise_db(decoded.mel_db.clamp_min(FLOOR_DB)) - mel).abs().mean((1, 2))


def _frames(held_s: float, scale: MelScale) -> int:
    """Frames to decode for a note held so long, with its release."""
    return STRIDE * math.ceil((held_s + RELEASE_S) * scale.frame_rate / STRIDE)


def _of_equal_frames(notes: Notes, scale: MelScale) -> Iterator[list[int]]:
    """Indices of notes that can be decoded together: of the same frames and the same excess."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, duration_s in enumerate(notes.duration_s.tolist()):
        held_s = min(duration_s, LONGEST_HOLD_S)
        extra = round((duration_s - held_s) * scale.frame_rate)
        groups[_frames(held_s, scale), extra].append(i)
    for members in groups.values():
        for start in range(0, len(members), _BATCH_NOTES):
            yield members[start : start + _BATCH_NOTES]
