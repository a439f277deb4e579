"""Random patches of `subtractive`, 4 s each at 44.1 kHz, against amsynth and plain tensors.

32 are rendered at once, all 46 knobs varied: every oscillator, filter, drive and room is at work.
amsynth is Debian's plug-in in dawdreamer, all parameters drawn, one instance used again and again,
which is the fastest that it can be had; null where either is missing. Plain tensors are the
definition that the compiled lanes are held to. Seconds are those that the processor spent, at the
best of several turns.
"""

from __future__ import annotations

import importlib.util
import math
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from _bench import Bench, run

if TYPE_CHECKING:
    from timbrel.synths.subtractive import Subtractive

SAMPLE_RATE, SECONDS, HELD_S = 44100, 4.0, 3.0
BATCH = 32


def measure(bench: Bench) -> dict[str, float | None]:
    from timbrel.synths.subtractive import Subtractive

    count = 64 if bench.quick else 256
    synth = Subtractive(SAMPLE_RATE)
    patches, notes = drawn(synth, count)
    bench.note(f"{count} random patches")

    def play() -> None:
        for first in range(0, count, BATCH):
            some = slice(first, first + BATCH)
            synth.render(patches[some], notes[some], longest_s=SECONDS)

    ours = best(play, 3) / count
    bench.note("amsynth")
    amsynth = amsynth_seconds(8 if bench.quick else 40)
    bench.note("plain tensors")
    plain = plain_seconds(synth, 64, 0.1 if bench.quick else 1.0)
    return {
        "renders_per_s": 1 / ours,
        "renders_per_s_ratio_to_amsynth": None if amsynth is None else amsynth / ours,
        "renders_per_s_ratio_to_torch": plain / ours,
        "amsynth_renders_per_s": None if amsynth is None else 1 / amsynth,
        "torch_renders_per_s": 1 / plain,
        "live_16_voices_share_of_a_core": live_share(synth),
        "max_error_to_torch": error(synth),
        "threads": bench.threads,
    }


def drawn(synth: Subtractive, count: int):
    """Random patches, and a note for each."""
    import torch

    from timbrel.sound import Notes

    generator = torch.Generator().manual_seed(1)
    patches = synth.parameters.space.sample(count, generator=generator)
    pitch = 36 + 48 * torch.rand(count, generator=generator)
    velocity = 0.3 + 0.7 * torch.rand(count, generator=generator)
    return patches, Notes(pitch, velocity, torch.full((count,), HELD_S))


def best(way: Callable[[], object], turns: int) -> float:
    """Processor seconds at the best of several turns, after one that warms it up."""
    seconds = math.inf
    for turn in range(turns + 1):
        started = time.process_time()
        way()
        if turn:
            seconds = min(seconds, time.process_time() - started)
    return seconds


def amsynth_seconds(count: int) -> float | None:
    """Of one render by a plug-in that is used again; None where there is none."""
    from timbrel.errors import BadInput
    from timbrel.synths.amsynth import find_amsynth

    if importlib.util.find_spec("dawdreamer") is None:
        return None
    try:
        path = str(find_amsynth(None))
    except BadInput:
        return None
    # what a user has set in amsynth is no part of this
    os.environ |= {"XDG_CONFIG_HOME": "/nonexistent", "XDG_DATA_HOME": "/nonexistent"}
    import dawdreamer
    import numpy as np

    engine = dawdreamer.RenderEngine(SAMPLE_RATE, 512)
    plug_in = engine.make_plugin_processor("amsynth", path)
    engine.load_graph([(plug_in, [])])
    draw = np.random.default_rng(1)

    def play() -> None:
        for _ in range(count):
            for number in range(41):
                plug_in.set_parameter(number, float(draw.random()))
            plug_in.clear_midi()
            plug_in.add_midi_note(int(draw.integers(36, 84)), 100, 0.0, HELD_S)
            engine.render(SECONDS)

    return best(play, 3) / count


def plain_seconds(synth: Subtractive, count: int, seconds: float) -> float:
    """Of one render of plain tensors, as if it were 4 s long."""
    import torch

    from timbrel.synths.subtractive import plain
    from timbrel.synths.subtractive.curves import TICK
    from timbrel.synths.subtractive.voicing import voice

    patches, notes = drawn(synth, count)
    voicing = voice(patches, notes.pitch, notes.velocity, {}, SAMPLE_RATE)
    n_ticks = math.ceil(seconds * SAMPLE_RATE / TICK)
    with torch.no_grad():
        spent = best(lambda: plain.play(voicing, notes, n_ticks, SAMPLE_RATE), 1)
    return spent / count * SECONDS / seconds


def live_share(synth: Subtractive) -> float:
    """Of a core, for 16 voices at 48 kHz in blocks of 128."""
    import numpy as np

    patches, _ = drawn(synth, 16)
    player, block, count = synth.player(16, 48000), np.zeros(128, np.float32), 750
    for i, patch in enumerate(patches):
        player.note_on(i, 40.0 + 2 * i, 0.8, patch)

    def play() -> None:
        for _ in range(count):
            player.process(block)

    return best(play, 2) / (count * 128 / 48000)


def error(synth: Subtractive) -> float:
    """The largest difference from plain tensors, of full scale, over a tenth of a second."""
    from timbrel.synths.subtractive import plain
    from timbrel.synths.subtractive.curves import TICK
    from timbrel.synths.subtractive.voicing import voice

    patches, notes = drawn(synth, 64)
    voicing = voice(patches, notes.pitch, notes.velocity, {}, SAMPLE_RATE)
    made = synth.render(patches, notes, longest_s=0.1).audio
    truth = plain.play(voicing, notes, made.shape[1] // TICK, SAMPLE_RATE)
    return float((made - truth).abs().max())


if __name__ == "__main__":
    run("subtractive_speed", measure, threads=1)
