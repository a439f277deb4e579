"""What one recording holds, heard by a worker and kept until the set is whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import soundfile
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from timbrel.audio import probe, read_audio
from timbrel.config import Settings
from timbrel.data.notes.nsynth_layout import FAMILIES, LENGTH_S, SAMPLE_RATE
from timbrel.data.recordings.recording import FoundNote, notes_in
from timbrel.errors import BadAudio
from timbrel.files import replacing

Found = dict[str, Any]

_FADE_S = 0.02


class FolderSettings(Settings):
    """How recordings become notes.

    Attributes:
        sample_rate: of the set, in Hz.
        length_s: longer notes are cut to this.
        retune: bring each note to its nearest key, by up to half a semitone.
        longest_s: longer recordings are refused.
        family, source: of all instruments; None reads them in folder and file names.
    """

    sample_rate: int = Field(default=SAMPLE_RATE, ge=8000, le=192000)
    length_s: float = Field(default=LENGTH_S, gt=0.1, le=120)
    retune: bool = True
    longest_s: float = Field(default=120.0, gt=0, le=3600)
    family: Literal[*FAMILIES, "unknown"] | None = None  # pyright: ignore[reportInvalidTypeForm]
    source: Literal["acoustic", "electronic", "synthetic"] | None = None


def hear(path: Path, unfinished: Path, settings: FolderSettings) -> Found:
    """What a file holds: its notes, whose sounds are put into `unfinished`, and refusals.

    What an earlier call found is taken from there, if neither file nor settings changed.
    """
    stat = path.stat()
    known = f"{path}|{stat.st_size}|{stat.st_mtime_ns}|{settings.model_dump_json()}"
    key = hashlib.sha256(known.encode(errors="surrogateescape")).hexdigest()[:24]
    remembered = unfinished / f"{key}.json"
    if remembered.is_file():
        return json.loads(remembered.read_text(encoding="utf-8"))
    found: Found = {"file": str(path), "notes": [], "refused": []}
    try:
        seconds = probe(path).duration_s
        if seconds > settings.longest_s:
            raise BadAudio(f"lasts {seconds:.0f} s, at most {settings.longest_s:g} s are looked at")
        audio = read_audio(path, settings.sample_rate)
        for number, note in enumerate(
            notes_in(audio, settings.sample_rate, path, retune=settings.retune)
        ):
            if isinstance(note, FoundNote):
                sound = unfinished / f"{key}-{number:03d}.wav"
                found["notes"].append(_kept(note, sound, settings))
            else:
                found["refused"].append({"start_s": round(note[0], 3), "reason": note[1]})
    except BadAudio as error:
        reason = str(error).removeprefix(f"{path} ")
        found["refused"].append({"start_s": 0.0, "reason": reason})
    with replacing(remembered) as temporary:
        temporary.write_text(json.dumps(found), encoding="utf-8")
    return found


def _kept(note: FoundNote, sound: Path, settings: FolderSettings) -> Found:
    """Write a note's sound; what is known of it."""
    with replacing(sound) as temporary:
        samples = _fitted(note.audio, settings).clamp(-1.0, 1.0).numpy()
        soundfile.write(temporary, samples, settings.sample_rate, subtype="PCM_16")
    return {
        "sound": sound.name,
        "pitch": note.pitch,
        "cents": note.cents,
        "hold_s": min(note.hold_s, settings.length_s),
        "level_db": note.level_db,
        "start_s": note.start_s,
        "pitch_from": note.pitch_from,
    }


def _fitted(audio: Float[Tensor, " time"], settings: FolderSettings) -> Float[Tensor, " fitted"]:
    """As long as the set's notes are: padded with silence, or cut with a fade."""
    length = round(settings.length_s * settings.sample_rate)
    if len(audio) <= length:
        return torch.nn.functional.pad(audio, (0, length - len(audio)))
    fade = round(_FADE_S * settings.sample_rate)
    return torch.cat(
        [audio[: length - fade], audio[length - fade : length] * torch.linspace(1.0, 0.0, fade)]
    )
