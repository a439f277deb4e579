"""Our harmonic oscillators against cumsum + sin in torch, what ports of DDSP do: 4 s at 48 kHz.

100 harmonics of a note with vibrato, in single precision: the peer stretches f0 and amplitudes to
samples, sums f0 with `cumsum`, and takes the sine of k times that. `max_error` is the largest
difference from the same formula in double precision, of full scale; each way has its own formula,
as the peer sums f0 in steps and ours integrates it. `speed_ratio` is the peer's time over ours:
time that the processor spent on it, not time that passed, so that a busy machine counts for
nothing, and each at its best of several turns taken in alternation. `speed_ratio_offsets` is the
same with every partial beside its harmonic.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

from _bench import Bench, run

SAMPLE_RATE, SECONDS, N_HARMONICS, N_BANDS = 48000, 4, 100, 56
N_SAMPLES = SAMPLE_RATE * SECONDS


def measure(bench: Bench) -> dict[str, float]:
    import torch

    from timbrel.dsp.tracks import render_tracks, synthesise

    notes = made_notes()
    ways: dict[str, Callable] = {"torch": lambda: torch_bank(notes["harmonic"], torch.float32)}
    for name, note in notes.items():
        ways[name] = lambda note=note: render_tracks(note, SAMPLE_RATE)
    seconds = best_of(ways, 3 if bench.quick else 10)
    ours, peer = seconds["harmonic"], seconds["torch"]
    sounds = {name: way() for name, way in ways.items()}

    def error(name: str, truth) -> float:
        return (sounds[name].double() - truth).abs().max().item()

    in_double = {name: note.map(torch.Tensor.double) for name, note in notes.items()}
    errors = {
        name: error(name, synthesise(in_double[name], SAMPLE_RATE)) for name in ("harmonic", "bell")
    }
    return {
        "speed_ratio": peer / ours,
        "max_error": errors["harmonic"],
        "speed_ratio_offsets": peer / seconds["bell"],
        "max_error_offsets": errors["bell"],
        "torch_max_error": error("torch", torch_bank(in_double["harmonic"], torch.float64)),
        "ns_per_harmonic_sample": 1e9 * ours / N_SAMPLES / N_HARMONICS,
        "torch_ns_per_harmonic_sample": 1e9 * peer / N_SAMPLES / N_HARMONICS,
        "ns_per_noise_band_sample": 1e9 * seconds["noise"] / N_SAMPLES / N_BANDS,
        "x_realtime_harmonics": SECONDS / ours,
        "x_realtime_harmonics_and_noise": SECONDS / seconds["all"],
        "threads": torch.get_num_threads(),
    }


def made_notes() -> dict:
    """Notes of 100 partials that swell and fade, together no louder than full scale."""
    import torch

    from timbrel.dsp.tracks import silence

    generator = torch.Generator().manual_seed(1)
    still = silence(frames=SECONDS * 200 + 1, harmonics=N_HARMONICS, bands=N_BANDS)
    time_s = torch.arange(still.n_frames) / 200
    f0_hz = 220 * 2 ** (0.03 * (2 * math.pi * 5.5 * time_s).sin())
    swell = 6 * torch.rand(still.harmonic_db.shape, generator=generator)
    harmonic = replace(still, f0_hz=f0_hz, harmonic_db=-46 + swell)
    bell = replace(harmonic, offset=0.9 * torch.rand(N_HARMONICS, generator=generator) - 0.45)
    noise = replace(still, noise_db=torch.full_like(still.noise_db, -50.0))
    both = replace(harmonic, noise_db=noise.noise_db)
    return {"harmonic": harmonic, "bell": bell, "noise": noise, "all": both}


def best_of(ways: dict[str, Callable], turns: int) -> dict[str, float]:
    """Processor seconds of each way at its best, after one turn that warms it up."""
    best = dict.fromkeys(ways, math.inf)
    for turn in range(turns + 1):
        for name, way in ways.items():
            started = time.process_time()
            way()
            if turn:
                best[name] = min(best[name], time.process_time() - started)
    return best


def torch_bank(note, dtype):
    """Curves stretched to samples, f0 summed, and a sine of every multiple."""
    import torch

    def stretched(curve):
        rows = torch.nn.functional.interpolate(
            curve.T[None].to(dtype), scale_factor=SAMPLE_RATE / 200, mode="linear"
        )
        return rows[0, :, :N_SAMPLES]

    order = torch.arange(1, N_HARMONICS + 1, dtype=dtype)[:, None]
    f0_hz = stretched(note.f0_hz[:, None])
    level = stretched(10 ** (note.harmonic_db / 20)) * (order * f0_hz < SAMPLE_RATE / 2)
    phase = torch.cumsum(2 * math.pi * f0_hz / SAMPLE_RATE, 1)
    return (level * (order * phase).sin()).sum(0)


if __name__ == "__main__":
    run("oscillator", measure, threads=1)
