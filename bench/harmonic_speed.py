"""How fast `harmonic` plays whole notes, beside mel_vae and the plain synthesis in tensors.

`x_realtime_RATE_batchN`: seconds of sound for one of work, notes held for 3 s and their releases,
pitches from 36 to 84, at 16 and 48 kHz, one or 16 in a call. `pad_s`: the 1,215 notes of a pad of
9 x 9 mixtures of four sounds at 15 pitches; `notes_per_s` is from the same notes (a quick run plays
some of them). `encode_ms_RATE`: to hear a note of 4 s. Endings: `_mel_vae`, in the same run, its
16 kHz resampled to 48; `_tensors`, of synthesis alone, `synthesise` (a bank of sines as tensors,
phases summed) on the very notes, without the decoder that would have to come before it;
`_compiled` is our synthesis alone, and `speed_ratio_RATE_tensors` the one over the other.

All times are the processor's, on one thread, so that a busy machine counts for nothing.
`--model-48` names the 48 kHz model; without one the model's own settings at 48 kHz are taken, with
weights that were not trained and are as much work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from _bench import Bench, run
from _notes import FontNote, hear, held_out_font, rivals

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel import Instrument
    from timbrel.dsp.tracks import Tracks

PITCHES = (36.0, 48.0, 60.0, 72.0, 84.0)
HOLD_S, VELOCITY = 3.0, 0.8
CORNERS = (FontNote(42, 48), FontNote(73, 72), FontNote(25, 55), FontNote(71, 60))
PAD_SIDE, PAD_PITCHES = 9, tuple(range(36, 81, 3))
PAD_NOTES = PAD_SIDE**2 * len(PAD_PITCHES)


def measure(bench: Bench) -> dict[str, float]:
    import torch

    instrument, font = bench.instrument(), held_out_font()
    turns = 2 if bench.quick else 5
    figures: dict[str, float] = {}
    for end, player in rivals(instrument).items():
        bench.note(f"{player.family} at 16 kHz")
        corners = torch.stack([hear(player, font, note) for note in CORNERS])
        figures |= speeds(player, corners, 16000, end, turns)
        figures |= pad_figures(player, corners, end, 27 if bench.quick else pad_size(end))
        figures[f"encode_ms_16{end}"] = encode_ms(player, turns)
        fast = at_48(bench, player, end)
        bench.note(f"{fast.family} at 48 kHz")
        corners = torch.stack([hear(fast, font, note) for note in CORNERS])
        figures |= speeds(fast, corners, 48000, end, turns)
        figures[f"encode_ms_48{end}"] = encode_ms(fast, turns)
        if not end:
            figures |= synthesis_speeds(fast, corners, turns)
    return figures | {"threads": torch.get_num_threads()}


def pad_size(end: str) -> int:
    """The whole pad of the instrument, a tenth of a rival's."""
    return PAD_NOTES // 10 if end else PAD_NOTES


def at_48(bench: Bench, player: Instrument, end: str) -> Instrument:
    """The player's likeness of 48 kHz; itself where there is none."""
    from timbrel.instruments import load
    from timbrel.instruments.harmonic import Harmonic

    if bench.arguments.model_48 is not None and not end:
        return load(bench.arguments.model_48)
    if isinstance(player, Harmonic):
        return Harmonic(player.settings.model_copy(update={"sample_rate": 48000}))
    return player


def speeds(
    player: Instrument, corners: Tensor, sample_rate: int, end: str, turns: int
) -> dict[str, float]:
    """Seconds of sound for one of work."""
    kilohertz = sample_rate // 1000
    figures = {}
    for batch in (1, 16):
        calls = [[pitch] * batch for pitch in PITCHES] if batch == 1 else [
            [PITCHES[i % len(PITCHES)] for i in range(batch)]
        ]  # fmt: skip

        def work(calls=calls) -> float:
            timbres = [corners[: len(call)] if len(call) < 2 else corners.repeat(4, 1)
                       for call in calls]  # fmt: skip
            return sum(rendered_s(player, *pair, sample_rate)
                       for pair in zip(calls, timbres, strict=True))  # fmt: skip

        figures[f"x_realtime_{kilohertz}_batch{batch}{end}"] = most_per_s(work, turns)
    return figures


def rendered_s(player: Instrument, pitches, timbres: Tensor, sample_rate: int) -> float:
    """Renders notes at a sample rate; the seconds of sound that came out."""
    import torch

    from timbrel.audio import resample
    from timbrel.sound import Notes

    with torch.no_grad():
        rendered = player.render(Notes.of(pitches, VELOCITY, HOLD_S), timbres)
    resample(rendered.audio, rendered.sample_rate, sample_rate)
    return float(rendered.lengths.sum()) / rendered.sample_rate


def most_per_s(work: Callable[[], float], turns: int) -> float:
    """What a work returns for each second of the processor at its best, after one that warms up."""
    best = 0.0
    for turn in range(turns + 1):
        started = time.process_time()
        done = work()
        if turn:
            best = max(best, done / (time.process_time() - started))
    return best


def pad_figures(player: Instrument, corners: Tensor, end: str, count: int) -> dict[str, float]:
    """`count` notes of the pad, spread over it."""
    import torch

    from timbrel.sound import Notes
    from timbrel.timbre import pad_weights

    weights = pad_weights(PAD_SIDE, PAD_SIDE, len(corners)).flatten(0, 1)
    cells = player.timbre_space.mix(corners, weights)
    places = torch.linspace(0, PAD_NOTES - 1, count).round().long()
    pitches = torch.tensor(PAD_PITCHES).float()
    notes = Notes.of(pitches[places % len(pitches)].tolist(), VELOCITY, HOLD_S)
    timbres = cells[places // len(pitches)]
    started = time.process_time()
    for first in range(0, count, PAD_SIDE**2):
        span = slice(first, first + PAD_SIDE**2)
        with torch.no_grad():
            player.render(notes[span], timbres[span])
    per_s = count / (time.process_time() - started)
    return {f"notes_per_s{end}": per_s, f"pad_s{end}": PAD_NOTES / per_s}


def encode_ms(player: Instrument, turns: int) -> float:
    font = held_out_font()

    def work() -> float:
        hear(player, font, CORNERS[0])
        return 1.0

    return 1000 / most_per_s(work, turns)


def synthesis_speeds(player: Instrument, corners: Tensor, turns: int) -> dict[str, float]:
    """Synthesis alone: compiled, and in tensors, of the notes that the 48 kHz model plays."""
    import torch

    from timbrel.audio import resample
    from timbrel.dsp.tracks import render_tracks, synthesise
    from timbrel.dsp.tracks.analysis import analyse
    from timbrel.sound import Notes
    from timbrel.units import midi_to_hz

    with torch.no_grad():
        rendered = player.render(Notes.of(list(PITCHES), VELOCITY, HOLD_S), corners[0])
    figures = {}
    for sample_rate in (16000, 48000):
        sounds = [resample(audio, rendered.sample_rate, sample_rate) for audio in rendered]
        notes = [
            analyse(sound, sample_rate, midi_to_hz(pitch))
            for sound, pitch in zip(sounds, PITCHES, strict=True)
        ]
        speed: dict[str, float] = {}
        for name, way in (("compiled", render_tracks), ("tensors", synthesise)):
            speed[name] = most_per_s(lambda w=way, n=notes, r=sample_rate: all_of(w, n, r), turns)
            figures[f"x_realtime_{sample_rate // 1000}_{name}"] = speed[name]
        ratio = speed["compiled"] / speed["tensors"]
        figures[f"speed_ratio_{sample_rate // 1000}_tensors"] = ratio
    return figures


def all_of(way: Callable, notes: list[Tracks], sample_rate: int) -> float:
    import torch

    with torch.no_grad():
        return sum(len(way(note, sample_rate)) / sample_rate for note in notes)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model-48", help="name or folder of the 48 kHz model")


if __name__ == "__main__":
    run("harmonic_speed", measure, model="harmonic", add_arguments=add_arguments)
