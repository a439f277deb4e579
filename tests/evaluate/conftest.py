"""A small note set whose instruments are `sine` timbres, so every true note is known exactly."""

from pathlib import Path

import pytest
import soundfile
import torch

from timbrel.data import NoteSet
from timbrel.data.notes.nsynth_layout import example, write_examples
from timbrel.instruments.sine import Sine
from timbrel.sound import Notes

TIMBRES = {
    "flute_acoustic_000": [1.0, 0.0, 0.0, 0.0],
    "reed_acoustic_001": [1.0, 0.05, 0.6, 0.0],
    "synth_lead_synthetic_002": [0.5, 0.6, 0.8, 1.0],
    "organ_electronic_003": [1.0, 0.7, 0.0, 0.5],
}
PITCHES = (36, 45, 48, 57, 60, 72, 84)


def write_set(folder: Path, names: tuple[str, ...] = tuple(TIMBRES), hold_s: float = 1.2) -> Path:
    """NSynth's layout: every instrument at every pitch."""
    (folder / "audio").mkdir(parents=True)
    entries = []
    for number, name in enumerate(names):
        family, source, _ = name.rsplit("_", 2)
        notes = Notes.of([float(p) for p in PITCHES], 100 / 127, hold_s)
        rendered = Sine().render(notes, torch.tensor(TIMBRES[name]))
        for pitch, audio in zip(PITCHES, rendered, strict=True):
            note = f"{name}-{pitch:03d}-100"
            soundfile.write(folder / "audio" / f"{note}.wav", audio.numpy(), 16000)
            entries.append(
                example(
                    note, name, number, family=family, source=source, pitch=pitch, velocity=100,
                    sample_rate=16000, hold_s=hold_s,
                )
            )  # fmt: skip
    write_examples(folder, entries)
    return folder


@pytest.fixture(scope="session")
def sine_folder(tmp_path_factory) -> Path:
    return write_set(tmp_path_factory.mktemp("sines") / "set")


@pytest.fixture
def sines(sine_folder) -> NoteSet:
    return NoteSet.open(sine_folder)
