"""From patches to what is heard of them: one part of a preset set at a time, in a worker."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from timbrel.audio import write_audio
from timbrel.data.presets.plan import PlannedNotes, PresetSetSettings
from timbrel.data.presets.preset_set import ENDING, PARTS
from timbrel.errors import BadInput
from timbrel.files import is_stream, replacing
from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE, hear, is_audible
from timbrel.instruments.preset.hearing.heard_bytes import mel_bytes
from timbrel.instruments.preset.rendering import attempted
from timbrel.sound import Notes
from timbrel.synths import Synth, load_synth
from timbrel.synths.hosting import HostedSynth
from timbrel.units import power_to_db

AUDIO = "audio"

_SYNTHS: dict[str, Synth] = {}


@dataclass(frozen=True)
class PartTask:
    """The notes of some patches, to be made into one file.

    Attributes:
        number: of the part.
        vectors: the patches, a row for each note.
        notes: with the patches' numbers.
    """

    number: int
    vectors: Float[Tensor, "notes params"]
    notes: PlannedNotes


def part_path(folder: Path, number: int) -> Path:
    """Where a part lies."""
    return folder / PARTS / f"part-{number:05d}{ENDING}"


def start_worker(synth: str) -> None:
    """Load the synthesizer, once in each process; each has one child to render for it."""
    loaded = the_synth(synth)
    if multiprocessing.parent_process() is None:  # no worker, but whoever asked for none
        return
    torch.set_num_threads(1)
    if isinstance(loaded, HostedSynth):
        loaded.host.limit(1)


def the_synth(name: str) -> Synth:
    """This process's synthesizer."""
    if name not in _SYNTHS:
        _SYNTHS[name] = load_synth(name)
    return _SYNTHS[name]


@contextmanager
def borrowed(name: str) -> Iterator[Synth]:
    """The same; what hosts a plug-in is ended behind it, and begins again when it is asked."""
    synth = the_synth(name)
    try:
        yield synth
    finally:
        if isinstance(synth, HostedSynth):
            synth.host.end()


def render_part(folder: Path, settings: PresetSetSettings, task: PartTask) -> Path:
    """Render a part and write it, unless it is there; its file."""
    path = part_path(folder, task.number)
    if _is_whole(path):
        return path
    notes = Notes(task.notes.pitch, task.notes.velocity, task.notes.held_s)
    audio = attempted(the_synth(settings.synth), task.vectors, notes)
    sounds = is_audible(audio)
    if settings.keep_audio:
        _write_sounds(folder, task, audio, sounds)
    columns = {
        **_heard_columns(audio[sounds]),
        "vector": task.vectors[sounds],
        "patch": task.notes.patch[sounds],
        "pitch": task.notes.pitch[sounds],
        "velocity": task.notes.velocity[sounds],
        "held_s": task.notes.held_s[sounds],
        "level_db": power_to_db(audio[sounds].square().mean(-1).clamp_min(1e-20)),
    }
    return write_part(path, columns)


def write_part(path: Path, columns: Mapping[str, Tensor]) -> Path:
    """Notes as a part of a set."""
    with replacing(path) as temporary:
        save_file({name: column.contiguous() for name, column in columns.items()}, temporary)
    return path


def _is_whole(part: Path) -> bool:
    """Whether a part is there, and as long as it says it is."""
    if is_stream(part):
        raise BadInput(f"{part} is a pipe or a device: delete it and build again")
    try:
        with safe_open(part, framework="pt"):
            return True
    except (OSError, SafetensorError):
        return False


def _heard_columns(audio: Tensor) -> dict[str, Tensor]:
    heard = hear(audio)
    return {"mel": mel_bytes(heard.mel), "curves": heard.curves.half()}


def _write_sounds(folder: Path, task: PartTask, audio: Tensor, sounds: Tensor) -> None:
    for row in sounds.nonzero()[:, 0].tolist():
        patch, pitch = int(task.notes.patch[row]), int(task.notes.pitch[row])
        path = folder / AUDIO / f"{patch:06d}-{row % 64:02d}-{pitch:03d}.flac"
        write_audio(path, audio[row], SAMPLE_RATE)
