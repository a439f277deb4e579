"""Time that `harmonic` takes to play 16 voices live, of the time there is: 48 kHz, one core.

A player of 16 voices plays on and on: chords that fill all voices at once, then one note every
60 ms that steals the oldest, bends, knobs that turn, and a morph pad that moves under everything.
Each block's processor time over its length is its load, blocks that call the decoder included,
and what is asked for just before a block counts with it. `load_16_voices_mean` and `_p99` are of
blocks of 128 samples, the others of the sizes they are named for. Processor time and not time
that passed, so that a busy machine counts for nothing.

`voices_one_core` is the largest number of voices, in steps of 8, whose 99th percentile stays
under 1 at 128 samples. `stream_max_difference` is the largest difference, of full scale, between
the same performance in blocks of 4096 samples and in blocks of 1, 64, 65, 128, 512, 513, and of
random sizes.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from _bench import Bench, run

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel import Instrument
    from timbrel.sound.playing import Player

SAMPLE_RATE, N_VOICES = 48000, 16
LOADED_BLOCKS = {"": 128, "_256": 256, "_64": 64}
STREAMED_BLOCKS = (1, 64, 65, 128, 512, 513, 0)
CHORD_EVERY_S, NOTE_EVERY_S, PAD_EVERY_S = 1.0, 0.06, 0.02


def measure(bench: Bench) -> dict[str, float]:
    instrument = bench.instrument()
    timbres = some_timbres(instrument)
    seconds = 6.0 if bench.quick else 30.0
    figures: dict[str, float] = {}
    for suffix, block in LOADED_BLOCKS.items():
        loads = block_loads(instrument, timbres, N_VOICES, block, seconds)
        figures[f"load_16_voices_mean{suffix}"] = loads.mean()
        figures[f"load_16_voices_p99{suffix}"] = np.percentile(loads, 99)
        figures[f"load_16_voices_max{suffix}"] = loads.max()
        bench.note(f"{block} samples: mean {loads.mean():.3f}, p99 {np.percentile(loads, 99):.3f}")
    figures["voices_one_core"] = most_voices(bench, instrument, timbres, seconds / 3)
    figures["stream_max_difference"] = stream_difference(instrument, timbres, bench.quick)
    return {**figures, "sample_rate": SAMPLE_RATE}


def some_timbres(instrument: Instrument) -> Tensor:
    """Two timbres of sounds that were heard: with residual, movement and burst."""
    import torch

    time_s = torch.arange(3 * instrument.sample_rate) / instrument.sample_rate
    sounds = []
    for pitch, fall in ((57.0, 0.2), (48.0, 3.0)):
        phase = 2 * torch.pi * 440 * 2 ** ((pitch - 69) / 12) * time_s
        sound = sum((k * phase + 0.1 * k * (33 * time_s).sin()).sin() / k for k in range(1, 12))
        noise = torch.randn(len(time_s), generator=torch.Generator().manual_seed(1))
        sound = sound * (-fall * time_s).exp() + 0.3 * noise * (-40 * time_s).exp()
        sounds.append(instrument.encode(0.2 * sound, pitch=pitch))
    return torch.stack(sounds)


class Performance:
    """What is asked of a player, at whole samples.

    Args:
        player: to be asked.
        timbres: the pad's two ends.
        n_voices: of the player.
    """

    def __init__(self, player: Player, timbres: Tensor, n_voices: int) -> None:
        self.player, self.timbres, self.n_voices = player, timbres, n_voices
        self.chord, self.note, self.pad = (
            round(every_s * SAMPLE_RATE) for every_s in (CHORD_EVERY_S, NOTE_EVERY_S, PAD_EVERY_S)
        )
        self.n_notes = 0

    def ask(self, begin: int, end: int) -> None:
        """Everything that falls into a block, at its beginning."""
        for _ in _times(begin, end, self.chord):
            self.player.silence()
            for _ in range(self.n_voices):
                self._next_note()
        for _ in _times(begin, end, self.note):
            self._next_note()
        for at in _times(begin, end, self.pad):
            share = 0.5 + 0.5 * np.sin(at / SAMPLE_RATE * 2)
            self.player.set_timbre(self.timbres[0].lerp(self.timbres[1], share))
            self.player.bend(float(share))
            self.player.set("vibrato_depth", 60 * share)
            self.player.set("brightness", 3 * share)
            self.player.set("formant_shift", 2 * share)

    def _next_note(self) -> None:
        self.n_notes += 1
        self.player.note_on(
            self.n_notes, 36.0 + 5 * self.n_notes % 48, 0.4 + 0.05 * self.n_notes % 0.5
        )
        self.player.note_off(self.n_notes - 2 * self.n_voices // 3)


def _times(begin: int, end: int, every: int) -> range:
    """Multiples of `every` from `begin` on, before `end`."""
    return range(-(-begin // every) * every, end, every)


def block_loads(
    instrument: Instrument, timbres: Tensor, n_voices: int, block: int, seconds: float
) -> np.ndarray:
    """Processor time of each block over its length."""
    player = instrument.player(n_voices, SAMPLE_RATE)
    performance = Performance(player, timbres, n_voices)
    out, n_blocks = np.zeros(block, np.float32), int(seconds * SAMPLE_RATE / block)
    loads = np.zeros(n_blocks)
    for number in range(n_blocks):
        started = time.thread_time_ns()
        performance.ask(number * block, (number + 1) * block)
        player.process(out)
        loads[number] = (time.thread_time_ns() - started) * 1e-9 * SAMPLE_RATE / block
    return loads


def most_voices(bench: Bench, instrument: Instrument, timbres: Tensor, seconds: float) -> int:
    """The largest number of voices whose blocks are in time, all but one in a hundred."""
    most = 0
    for n_voices in range(N_VOICES, 257, 16 if bench.quick else 8):
        loads = block_loads(instrument, timbres, n_voices, 128, seconds)
        if np.percentile(loads, 99) >= 1:
            break
        most = n_voices
    return most


def stream_difference(instrument: Instrument, timbres: Tensor, is_quick: bool) -> float:
    """Between blocks of any size, of a performance that is asked at the same samples."""
    # what is asked falls on multiples of this many samples, whatever the blocks are
    every = 960
    n_asks = 25 if is_quick else 100
    whole = streamed(instrument, timbres, every, n_asks, 4096)
    return max(
        float(np.abs(streamed(instrument, timbres, every, n_asks, block) - whole).max())
        for block in STREAMED_BLOCKS
    )


def streamed(
    instrument: Instrument, timbres: Tensor, every: int, n_asks: int, block: int
) -> np.ndarray:
    """A performance; blocks of 0 samples stand for random sizes."""
    player = instrument.player(N_VOICES, SAMPLE_RATE)
    performance = Performance(player, timbres, N_VOICES)
    sizes = np.random.default_rng(1)
    audio = np.zeros(every * n_asks, np.float32)
    for begin in range(0, len(audio), every):
        performance.ask(begin, begin + every)
        at = begin
        while at < begin + every:
            end = min(at + (block or int(sizes.integers(1, 700))), begin + every)
            player.process(audio[at:end])
            at = end
    return audio


if __name__ == "__main__":
    run("live", measure, model="harmonic", threads=1)
