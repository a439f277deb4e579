"""The whole way in a minute: recordings, a note set, a tiny instrument trained on it, a sound.

Expect a plain reed in tune and no more: `timbrel train configs/mel_vae.toml` is the real thing.
"""

import math

import torch

import timbrel
from timbrel.data.recordings.folder import collect_folder
from timbrel.training import train
from timbrel.training.registry import settings_from
from timbrel.units import midi_to_hz

RATE = 16000
TIMES_S = torch.arange(2 * RATE) / RATE


def reed(pitch: float) -> torch.Tensor:
    """A note with odd harmonics only."""
    phase = 2 * math.pi * midi_to_hz(pitch) * TIMES_S
    wave = phase.sin() + (3 * phase).sin() / 3 + (5 * phase).sin() / 5
    return 0.3 * wave * (TIMES_S / 0.02).clamp(max=1) * (-TIMES_S).exp()


def main() -> None:
    """Make the notes, the set, the model and the sound."""
    for pitch in range(48, 72, 2):
        timbrel.write_audio(f"reed/{pitch}.wav", reed(pitch), RATE)
    collect_folder("reed", "set", processes=1)
    tables = {
        "family": "mel_vae",
        "size": "tiny",
        "data": {"train": "set/nsynth-train", "validation": "set/nsynth-train"},
        "loop": {"steps": 100, "batch_size": 4, "warmup_steps": 5, "learning_rate": 4e-3,
                 "device": "cpu"},
    }  # fmt: skip
    model = train(settings_from(tables, "this example"), "run")
    instrument = timbrel.load(model)
    timbre = instrument.encode(timbrel.read_audio("reed/60.wav", RATE))
    note = instrument.render(timbrel.Notes.of(55), timbre)
    audio = 0.5 * note.audio[0] / note.audio.abs().max()
    print(timbrel.write_audio("tiny.wav", audio, RATE))


if __name__ == "__main__":
    main()
