"""How fast `ddsp` follows whole performances, beside the paper's model as its ports write it.

Performances of 4 s whose pitch moves over an octave, alone and 16 in a call, at 16 and at 48 kHz.
`x_realtime_RATE_batchN` is seconds of sound for one of work, from curves to audio in its room, by
our decoder and renderer; `_plain` is the same of `_plain_ddsp` (GRU 512, summed phases, a sine for
each of 100 harmonics, noise filtered by FFT), and `ratio_RATE_batchN` the one over the other.
`x_realtime_RATE_transfer` is one whole call of `transfer`.

All times are the processor's on one thread, so that a busy machine counts for nothing, the two
taken in alternation and each at its best of several turns. The model's own settings are taken at
both rates; where its weights are of another rate, ours were not trained and are as much work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from _bench import Bench, run
from _plain_ddsp import FRAME_RATE as PLAIN_FRAME_RATE
from _plain_ddsp import PlainDdsp

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel.instruments.ddsp import Ddsp

RATES, BATCHES, SECONDS = (16000, 48000), (1, 16), 4


def measure(bench: Bench) -> dict[str, float]:
    import torch

    figures: dict[str, float] = {}
    turns = 2 if bench.quick else 6
    for rate in RATES:
        instrument, plain = at_rate(bench, rate), PlainDdsp(rate)
        for batch in BATCHES:
            bench.note(f"{rate} Hz, {batch} at once")
            name = f"{rate // 1000}k_batch{batch}"
            with torch.no_grad():
                ways = {"": ours(instrument, batch), "_plain": theirs(plain, batch)}
                seconds = best_of(ways, turns)
            for way, taken in seconds.items():
                figures[f"x_realtime_{name}{way}"] = batch * SECONDS / taken
            figures[f"ratio_{name}"] = seconds["_plain"] / seconds[""]
        taken = best_of({"": transfer(instrument)}, turns)[""]
        figures[f"x_realtime_{rate // 1000}k_transfer"] = SECONDS / taken
    return figures | {"threads": torch.get_num_threads()}


def at_rate(bench: Bench, sample_rate: int) -> Ddsp:
    """The model, or its likeness at another rate."""
    from timbrel.instruments.ddsp import Ddsp

    instrument = bench.instrument()
    assert isinstance(instrument, Ddsp)
    if instrument.sample_rate == sample_rate:
        return instrument
    return Ddsp(instrument.settings.model_copy(update={"sample_rate": sample_rate}))


def curves(batch: int, frame_rate: float) -> tuple[Tensor, Tensor]:
    """Pitch and loudness of different melodies."""
    import torch

    time_s = torch.arange(round(SECONDS * frame_rate) + 1) / frame_rate
    own = torch.arange(batch)[:, None] * 0.7
    f0_hz = 220 * 2 ** (0.5 * (3 * time_s + own).sin())
    return f0_hz, -30 + 10 * (5 * time_s + own).sin()


def ours(instrument: Ddsp, batch: int) -> Callable[[], object]:
    import torch

    from timbrel.dsp.listening import FRAME_RATE
    from timbrel.instruments.ddsp import Asked, sound_of

    network = instrument.network
    f0_hz, loudness_db = curves(batch, FRAME_RATE)
    asked = Asked(f0_hz, loudness_db, torch.ones_like(f0_hz))
    latent = torch.zeros(batch, instrument.settings.latent)
    return lambda: sound_of(network, asked, network.decoder(latent, asked))


def theirs(plain: PlainDdsp, batch: int) -> Callable[[], object]:
    f0_hz, loudness_db = (curve[:, :-1] for curve in curves(batch, PLAIN_FRAME_RATE))
    return lambda: plain(f0_hz, loudness_db)


def transfer(instrument: Ddsp) -> Callable[[], object]:
    import torch

    from timbrel.dsp.listening import FRAME_RATE
    from timbrel.sound import Performance

    f0_hz, loudness_db = (curve[0] for curve in curves(1, FRAME_RATE))
    performance = Performance(f0_hz, loudness_db, torch.ones_like(f0_hz), FRAME_RATE)
    timbre = instrument.timbre_space.sample(1, generator=torch.Generator().manual_seed(0))[0]
    return lambda: instrument.transfer(performance, timbre)


def best_of(ways: Mapping[str, Callable[[], object]], turns: int) -> dict[str, float]:
    """Processor seconds of each at its best, after one turn that warms up."""
    best = dict.fromkeys(ways, float("inf"))
    for turn in range(turns + 1):
        for name, way in ways.items():
            started = time.process_time()
            way()
            if turn:
                best[name] = min(best[name], time.process_time() - started)
    return best


if __name__ == "__main__":
    run("ddsp_offline", measure, model="ddsp-violin")
