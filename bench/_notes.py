"""Notes that no set has: any pitch, velocity and hold of a SoundFont, and what instruments play.

Notes are mono and last a second longer than they are held; one that a font does not sound is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from _bench import fluid_r3

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel import Instrument

JUDGED_AT = 16000
"""Sample rate at which sounds are compared, in Hz."""

HEARD_VELOCITY = 85
HOLD_S = 3.0
RELEASE_S = 1.0

FOREIGN_FONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
"""Debian's timgm6mb-soundfont: another origin than the training's."""


@dataclass(frozen=True)
class FontNote:
    """A note of a program, of General MIDI's number."""

    program: int
    pitch: int
    velocity: int = HEARD_VELOCITY
    hold_s: float = HOLD_S

    @property
    def name(self) -> str:
        """What the program is called."""
        from timbrel.data.soundfonts.gm_programs import gm_programs

        return gm_programs()[self.program].short_name


class FontNotes:
    """Renders notes of one font."""

    def __init__(self, font: Path) -> None:
        self._font = font
        self._players: dict[int, object] = {}

    def audio(self, note: FontNote, sample_rate: int = JUDGED_AT) -> Tensor | None:
        """The note, or None where the font has none."""
        import torch

        from timbrel.data.soundfonts.gm_programs import gm_programs
        from timbrel.data.soundfonts.plan import PlannedNote

        player = self._player(sample_rate)
        length = {"length_s": note.hold_s + RELEASE_S}
        player.settings = player.settings.model_copy(update=length)
        program = gm_programs()[note.program]
        planned = PlannedNote("test", program, note.pitch, note.velocity, note.hold_s)
        audio = torch.from_numpy(player.play(planned).copy())
        return audio if float(audio.abs().max()) >= player.settings.quietest else None

    def _player(self, sample_rate: int):
        """One player for each rate: opening a font takes longer than hundreds of notes."""
        from timbrel.config import make_settings
        from timbrel.data.soundfonts.rendering import FontPlayer
        from timbrel.data.soundfonts.soundfont import SoundFontSettings

        if sample_rate not in self._players:
            settings = make_settings(SoundFontSettings, {"sample_rate": sample_rate})
            self._players[sample_rate] = FontPlayer(self._font, settings)
        return self._players[sample_rate]


def held_out_font() -> FontNotes:
    """FluidR3Mono, of which `held_out_programs` were never trained on."""
    return FontNotes(fluid_r3())


def held_out_programs() -> tuple[int, ...]:
    """Programs of FluidR3Mono that no shipped model was trained on."""
    from timbrel.evaluate.held_out import HELD_OUT

    return HELD_OUT.held_out


def hear(instrument: Instrument, font: FontNotes, note: FontNote) -> Tensor:
    """The timbre of a note of a font, heard at the instrument's own sample rate."""
    import torch

    audio = font.audio(note, instrument.sample_rate)
    if audio is None:
        raise ValueError(f"the font has no {note}")
    generator = torch.Generator().manual_seed(0)
    return instrument.encode(audio, pitch=float(note.pitch), generator=generator).detach()


def play(
    instrument: Instrument,
    timbre: Tensor,
    pitch: float | Sequence[float],
    velocity: float | Sequence[float] = HEARD_VELOCITY,
    hold_s: float | Sequence[float] = HOLD_S,
    controls: Mapping[str, float] | None = None,
) -> list[Tensor]:
    """Notes with one timbre at `JUDGED_AT`; `velocity` is MIDI's, 1 to 127."""
    import torch

    from timbrel.audio import resample
    from timbrel.sound import Notes

    notes = Notes.of(pitch, (torch.as_tensor(velocity) / 127).tolist(), hold_s)
    with torch.no_grad():
        rendered = instrument.render(notes, timbre, controls)
    return [resample(audio, rendered.sample_rate, JUDGED_AT) for audio in rendered]


def rivals(instrument: Instrument) -> dict[str, Instrument]:
    """The instrument itself, and mel_vae if it is another, by the ending of their figures."""
    from timbrel.instruments import load

    return {"": instrument} | (
        {} if instrument.family == "mel_vae" else {"_mel_vae": load("mel_vae")}
    )
