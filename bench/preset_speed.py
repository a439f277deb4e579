"""How long a `preset` model takes from a sound of 4 s at 44.1 kHz to a patch, on one thread.

`ms_per_sound`: what is heard (mels, pitch, loudness: `ms_features`) and what the network says of it
(`ms_network`). `ms_librosa`: the same network after librosa's melspectrogram (of the same bands and
frames), yin and rms; `speed_ratio_librosa` is how many times longer that takes. `ms_find`: a whole
`find` of 0 s, which looks in a recording for its onset and for a second note first, by another
tracker, and renders sixteen answers. Milliseconds are the processor's, medians over sounds that
take turns, so that a busy machine counts for little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import TYPE_CHECKING

from _bench import Bench, run
from _presets import MODEL, preset_instrument, spread

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel.instruments.preset import Preset, PresetNetwork
    from timbrel.instruments.preset.hearing.heard import Heard

SOUNDS = 16
TURNS, TURNS_QUICK = 12, 3

Way = Callable[["Tensor"], object]


def measure(bench: Bench) -> dict[str, float | int]:
    instrument = preset_instrument(bench)
    sounds, turns = some_sounds(), TURNS_QUICK if bench.quick else TURNS
    bench.note(f"{len(sounds)} sounds, {turns} times")
    taken = in_turns(ways(instrument), sounds, turns)
    figures = {f"ms_{name}": 1000 * median(seconds) for name, seconds in taken.items()}
    ratio = figures["ms_librosa"] / figures["ms_per_sound"]
    return figures | {"speed_ratio_librosa": ratio, "threads": bench.threads}


def some_sounds() -> list[Tensor]:
    """Notes of factory patches of `subtractive`."""
    import torch

    from timbrel.instruments.preset.hearing.heard import HOLD_S, LENGTH_S, fitted
    from timbrel.sound import Notes
    from timbrel.synths.subtractive import Subtractive

    synth = Subtractive()
    factory = spread([patch for _, some in synth.factory_banks() for patch in some], SOUNDS)
    patches = torch.stack([synth.parameters.vector(patch.values) for patch in factory])
    notes = Notes.of([36.0 + 3 * i for i in range(SOUNDS)], 0.8, HOLD_S)
    return [*fitted(synth.render(patches, notes, longest_s=LENGTH_S).audio)]


def ways(instrument: Preset) -> dict[str, Way]:
    """What is timed."""
    from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE, hear

    finder, network = instrument.finder, instrument.network
    heard = hear(some_sounds()[0][None])
    return {
        "per_sound": lambda sound: patch_of(instrument, network, hear(sound[None])),
        "features": lambda sound: hear(sound[None]),
        "network": lambda _: patch_of(instrument, network, heard),
        "librosa": lambda sound: patch_of(instrument, network, heard_by_librosa(sound)),
        "find": lambda sound: finder.find(sound, SAMPLE_RATE, seconds=0.0),
    }


def patch_of(instrument: Preset, network: PresetNetwork, heard: Heard) -> Tensor:
    """The network's word, of the key that is heard."""
    import torch

    from timbrel.instruments.preset.answers import likeliest
    from timbrel.instruments.preset.hearing.heard import pitch_heard
    from timbrel.instruments.preset.hearing.target import UNPITCHED

    with torch.no_grad():
        answer = network.answer(heard, torch.tensor([pitch_heard(heard) or UNPITCHED]))
        return likeliest(instrument.timbre_space, answer)[0]


def heard_by_librosa(sound: Tensor) -> Heard:
    """What `hear` hears, as one would have it from librosa."""
    import numpy as np
    import torch

    from timbrel.dsp.librosas import load_librosa
    from timbrel.instruments.preset.hearing.heard import SAMPLE_RATE, SCALE, Heard

    librosa, audio = load_librosa(), sound.numpy()
    mel = librosa.feature.melspectrogram(
        y=audio, sr=SAMPLE_RATE, n_fft=SCALE.n_fft, hop_length=SCALE.hop_length,
        n_mels=SCALE.n_mels, fmin=SCALE.minimum_hz, fmax=SCALE.maximum_hz, pad_mode="constant",
    )  # fmt: skip
    f0_hz = librosa.yin(audio, fmin=55.0, fmax=2000.0, sr=SAMPLE_RATE, hop_length=SCALE.hop_length)
    level = librosa.feature.rms(y=audio, frame_length=SCALE.n_fft, hop_length=SCALE.hop_length)[0]
    loudness = librosa.amplitude_to_db(level, ref=np.max, top_db=80.0)
    height = (librosa.hz_to_midi(f0_hz) - 60.0) / 24.0
    curves = np.stack([height, np.ones_like(height), loudness / 40.0 + 1.0])
    decibels = librosa.power_to_db(mel, ref=np.max, top_db=80.0)
    return Heard(
        torch.from_numpy(decibels / 40.0 + 1.0).float()[None],
        torch.from_numpy(curves).float()[None],
    )


def in_turns(timed: dict[str, Way], sounds: Sequence[Tensor], turns: int) -> dict[str, list[float]]:
    """Processor seconds of each way for each sound, after one turn that warms it up."""
    taken: dict[str, list[float]] = {name: [] for name in timed}
    for turn in range(turns + 1):
        for sound in sounds:
            for name, way in timed.items():
                started = time.process_time()
                way(sound)
                if turn:
                    taken[name].append(time.process_time() - started)
    return taken


if __name__ == "__main__":
    run("preset_speed", measure, model=MODEL, threads=1)
