"""What `ddsp` takes to follow a live melody: 48 kHz, one voice, one core.

- `block_ms_p50`, `_p99`: processor time of a block of 128 samples, and the frames told for it;
  `_256` of blocks so long. `engine_ms_...`: the same of the live engine around it: the listener
  that hears pitch and loudness in a sung block, the gate, the limiter.
- `stream_max_difference`: of full scale, between a performance followed in blocks of 1, 64, 65,
  128, 512, 513 samples and of random sizes, and the transfer of the whole.
- `load_16_voices_mean`, `_p99`: processor time of the player's blocks of 128 samples over their
  length, 16 held notes.
- `latency_ms`: from what is sung to the same pitch in what is heard, under JACK's dummy driver at
  blocks of 256, tracker included: the lag at which the two pitch curves are nearest
  (`latency_off_cents` apart). `latency_said_ms` is what the program says, converters included,
  `underflow_share` its blocks that came too late. Real time needs a processor to itself.
"""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from _bench import Bench, run
from _jack_probe import PERIOD, Probe, Server, hear_ctrl_c, is_installed

if TYPE_CHECKING:
    from torch import Tensor

    from timbrel import Instrument
    from timbrel.sound import Performance

SAMPLE_RATE, BLOCKS = 48000, {"": 128, "_256": 256}
STREAMED_BLOCKS = (1, 64, 65, 128, 512, 513, 0)
N_VOICES = 16
_START_S, _LONGEST_LATENCY_S = 120.0, 0.3


def measure(bench: Bench) -> dict[str, float | None]:
    instrument = bench.instrument()
    timbre, seconds = first_sound(instrument), 8.0 if bench.quick else 60.0
    figures: dict[str, float | None] = {}
    for ending, block in BLOCKS.items():
        followed = block_ms(following(instrument, timbre, block), block, seconds)
        figures |= percentiles(f"block_ms{{}}{ending}", followed)
        whole = block_ms(engine(instrument, timbre), block, seconds)
        figures |= percentiles(f"engine_ms{{}}{ending}", whole)
        bench.note(f"{block} samples: {np.median(followed):.3f} ms, {np.median(whole):.3f} ms")
    figures["stream_max_difference"] = stream_difference(instrument, timbre, bench.quick)
    loads = block_ms(playing(instrument), 128, seconds) * SAMPLE_RATE / 128e3
    figures |= {"load_16_voices_mean": loads.mean(), "load_16_voices_p99": p99(loads)}
    return figures | (latency(bench) if is_installed() else dict.fromkeys(LATENCIES))


def first_sound(instrument: Instrument) -> Tensor:
    """Of the bank, which a shipped model has."""
    assert instrument.bank is not None
    return instrument.bank[instrument.bank.names("sound")[0]]


def sung(seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """A voice-like tone that glides up an octave and back with vibrato, and its pitch in Hz."""
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    f0_hz = 220 * 2 ** (0.5 - 0.5 * np.cos(2 * np.pi * time_s / 2.5))
    f0_hz *= 2 ** (0.03 * np.sin(2 * np.pi * 5 * time_s))
    cycles = np.cumsum(f0_hz) / SAMPLE_RATE
    partials = [np.sin(2 * np.pi * k * cycles + k) * 0.8**k for k in range(1, 12)]
    return (0.15 * np.sum(partials, 0)).astype(np.float32), f0_hz


def following(
    instrument: Instrument, timbre: Tensor, block: int
) -> Callable[[np.ndarray, np.ndarray], None]:
    """A follower that is told a sure melody."""
    follower = instrument.follower(timbre, SAMPLE_RATE)
    at, told = 0, 0

    def process(_: np.ndarray, out: np.ndarray) -> None:
        nonlocal at, told
        at += block
        while told < at * follower.frame_rate / SAMPLE_RATE + 1:
            follower.hear(300 + 80 * math.sin(0.02 * told), -25 + 5 * math.sin(0.05 * told), 1.0)
            told += 1
        follower.process(out)

    return process


def engine(instrument: Instrument, timbre: Tensor) -> Callable[[np.ndarray, np.ndarray], None]:
    from timbrel.live import FollowEngine

    made = FollowEngine(instrument.follower(timbre, SAMPLE_RATE))
    made.warm_up(BLOCKS[""])
    return lambda heard, out: made.process(heard, out, 0.0)


def playing(instrument: Instrument) -> Callable[[np.ndarray, np.ndarray], None]:
    """A player whose voices are all held; those that died away are struck again."""
    player = instrument.player(N_VOICES, SAMPLE_RATE)
    n_struck = 0

    def process(_: np.ndarray, out: np.ndarray) -> None:
        nonlocal n_struck
        while player.active_voices < N_VOICES:
            player.note_on(n_struck, 48.0 + 5 * n_struck % 36, 0.8)
            n_struck += 1
        player.process(out)

    return process


def block_ms(
    process: Callable[[np.ndarray, np.ndarray], None], block: int, seconds: float
) -> np.ndarray:
    """Processor time of each block."""
    heard, out = sung(2.5)[0], np.zeros(block, np.float32)
    taken = np.zeros(int(seconds * SAMPLE_RATE / block))
    for number in range(len(taken)):
        begin = number * block % (len(heard) - block)
        started = time.thread_time_ns()
        process(heard[begin : begin + block], out)
        taken[number] = (time.thread_time_ns() - started) * 1e-6
    return taken[len(taken) // 50 :]


def percentiles(key: str, taken: np.ndarray) -> dict[str, float | None]:
    return {key.format("_p50"): float(np.median(taken)), key.format("_p99"): p99(taken)}


def p99(taken: np.ndarray) -> float:
    return float(np.percentile(taken, 99))


def stream_difference(instrument: Instrument, timbre: Tensor, is_quick: bool) -> float:
    """Between blocks of any size and the whole."""
    import torch

    from timbrel.audio import resample
    from timbrel.dsp.listening import follow

    sound = torch.from_numpy(sung(2.0 if is_quick else 10.0)[0])
    performance = follow(sound, SAMPLE_RATE)
    whole = resample(
        instrument.transfer(performance, timbre), instrument.sample_rate, SAMPLE_RATE
    ).numpy()
    return max(
        float(np.abs(streamed(instrument, timbre, performance, len(whole), block) - whole).max())
        for block in STREAMED_BLOCKS
    )


def streamed(
    instrument: Instrument, timbre: Tensor, performance: Performance, length: int, block: int
) -> np.ndarray:
    """A performance told frame by frame; blocks of 0 samples stand for random sizes."""
    follower, sizes = instrument.follower(timbre, SAMPLE_RATE), np.random.default_rng(1)
    curves = (performance.f0_hz, performance.loudness_db, performance.confidence)
    frames = np.stack([curve.numpy() for curve in curves], -1).astype(float)
    audio, at, told = np.zeros(length, np.float32), 0, 0
    while at < length:
        end = min(at + (block or int(sizes.integers(1, 700))), length)
        while told < min(len(frames), math.ceil(end * follower.frame_rate / SAMPLE_RATE) + 1):
            follower.hear(*frames[told])
            told += 1
        follower.process(audio[at:end])
        at = end
    return audio


LATENCIES = ("latency_ms", "latency_off_cents", "latency_said_ms", "underflow_share")


def latency(bench: Bench) -> dict[str, float | None]:
    """Sings into the program, and compares the pitch of what comes back."""
    import torch

    from timbrel.dsp.listening import FRAME_RATE, follow

    sound, f0_hz = sung(10.0)
    heard, said = transferred(bench, sound)
    heard_hz = follow(torch.from_numpy(heard), SAMPLE_RATE).f0_hz.numpy()
    off_cents, late_s = best_lag(heard_hz, f0_hz[:: round(SAMPLE_RATE / FRAME_RATE)], FRAME_RATE)
    figures = (1e3 * late_s, off_cents, said["latency_ms"], said["underflow_share"])
    return dict(zip(LATENCIES, figures, strict=True))


def transferred(bench: Bench, sound: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    """What is heard from the sound's first sample on, and what the program says of itself."""
    with Server() as server, Probe(server, len(sound) / SAMPLE_RATE + _START_S) as probe:
        command = [sys.executable, "-m", "timbrel", "live", "--transfer", str(bench.model)]
        command += ["--audio-in", "system", "--out", "JACK", "--block", str(PERIOD), "--json"]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, env=server.environment, stdout=pipe, stderr=pipe, preexec_fn=hear_ctrl_c
        ) as program:
            probe.listen("PortAudio", _START_S)
            probe.sing_into("PortAudio")
            probe.wait_until(probe.now + SAMPLE_RATE)
            begin = probe.now + 32 * PERIOD
            probe.sing(begin, sound)
            probe.wait_until(begin + len(sound) + SAMPLE_RATE)
            program.send_signal(signal.SIGINT)
            told, complaints = program.communicate(timeout=60)
        if program.returncode:
            raise SystemExit(complaints.decode())
        return probe.heard()[begin:], json.loads(told)


def best_lag(heard_hz: np.ndarray, sung_hz: np.ndarray, frame_rate: float) -> tuple[float, float]:
    """How far off the pitch is in the middle, in cents, and how late, where it is nearest."""
    inside, found = slice(60, len(sung_hz) - 60), []
    for lag in range(round(_LONGEST_LATENCY_S * frame_rate)):
        late_hz = heard_hz[lag : lag + len(sung_hz)][inside]
        cents = 1200 * np.abs(np.log2(np.maximum(late_hz, 1) / sung_hz[inside]))
        found.append((float(np.median(cents)), lag / frame_rate))
    return min(found)


if __name__ == "__main__":
    run("ddsp_live", measure, model="ddsp-violin")
