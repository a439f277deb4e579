"""Whether `timbrel live` plays every note, how soon, and without gaps: heard under JACK.

A JACK server with its dummy driver runs at blocks of 256; `timbrel live` plays the model under it,
with a morph pad of four of its timbres where it has so many. A probe client strikes chords of four
notes at the first sample of a block, moves the pad all the while, and records what comes back.

- `lost_notes`: notes of which no harmonic is heard while they are held.
- `latency_periods`: whole blocks between the one in which a chord is struck and the one in which
  its first sample is heard, in the middle; `latency_periods_p99`, `latency_ms` the same otherwise.
- `underflow_share`: blocks that came too late, as the sound card's driver says, over all; without
  the first second, in which clients connect.
- `idle_late_share`, `idle_late_ms_max`: the same of a process beside it that only sleeps and wakes
  once a block: what the machine takes from everybody.
- `memory_growth_mb`: what the process took more at the end than after the first fifth.

The full run takes ten minutes, `--quick` one; both count at least 200 notes. Real time needs a
processor to itself: what else runs on the machine is heard here.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from _bench import Bench, run
from _idle_clock import start, told
from _jack_probe import PERIOD, SAMPLE_RATE, Probe, Server, hear_ctrl_c

CHORDS = ((48, 55, 62, 69), (50, 57, 65, 72), (45, 52, 59, 67), (53, 60, 64, 74))
EVERY = 188 * PERIOD
"""About a second."""

HELD = 120 * PERIOD
QUICK_CHORDS, FULL_CHORDS = 52, 590
_SILENT = 1e-7
_START_S = 120.0


def measure(bench: Bench) -> dict[str, float | int | str]:
    import psutil

    count = QUICK_CHORDS if bench.quick else FULL_CHORDS
    length_s = count * EVERY / SAMPLE_RATE
    with Server() as server, Probe(server, length_s + _START_S) as probe:
        command = [
            sys.executable,
            "-m",
            "timbrel",
            "live",
            str(bench.model),
            *_corners(bench.model),
        ]
        command += ["--midi-in", probe.port, "--out", "JACK", "--block", str(PERIOD), "--json"]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, env=server.environment, stdout=pipe, stderr=pipe, preexec_fn=hear_ctrl_c
        ) as program:
            probe.listen("PortAudio", _START_S)
            time.sleep(1.5)
            bench.note(f"{count} chords on {bench.model}")
            begin = -(-(probe.now + SAMPLE_RATE // 2) // PERIOD) * PERIOD
            strikes = [begin + EVERY * number for number in range(count)]
            clock = start(length_s, PERIOD / SAMPLE_RATE)
            plan(probe, strikes)
            memory = psutil.Process(program.pid).memory_info
            probe.wait_until(begin + EVERY * count // 5)
            early = memory().rss
            probe.wait_until(strikes[-1] + EVERY - 20 * PERIOD)
            growth_mb = (memory().rss - early) / 1e6
            program.send_signal(signal.SIGINT)
            summary_json, complaints = program.communicate(timeout=60)
        if program.returncode:
            raise SystemExit(complaints.decode())
        heard = probe.heard()
    figures = judge(heard, strikes)
    summary = json.loads(summary_json)
    figures |= {name: summary[name] for name in ("underflows", "underflow_share", "blocks")}
    figures |= {name: summary[name] for name in ("load_mean", "load_max", "failures")}
    figures |= told(clock)
    return figures | {"memory_growth_mb": growth_mb, "minutes": length_s / 60}


def _corners(model: str | None) -> list[str]:
    import timbrel

    instrument = timbrel.load(model or "")
    names = instrument.bank.names("sound") if instrument.bank else ()
    return ["--corners", *names[:: max(1, len(names) // 4)][:4]] if len(names) >= 4 else []


def plan(probe: Probe, strikes: list[int]) -> None:
    """Chords, each ended by silence, and a pad that goes round and round."""
    for number, at in enumerate(strikes):
        chord = CHORDS[number % len(CHORDS)]
        for pitch in chord:
            probe.strike(at, [0x90, pitch, 70 + number % 50])
            probe.strike(at + HELD, [0x80, pitch, 0])
        probe.strike(at + HELD + 40 * PERIOD, [0xB0, 120, 0])
    for step, at in enumerate(range(strikes[0], strikes[-1] + EVERY, 4 * PERIOD)):
        turn = 2 * np.pi * step / 400
        probe.strike(at + 1, [0xB0, 16, round(63.5 + 63.5 * np.cos(turn))])
        probe.strike(at + 1, [0xB0, 17, round(63.5 + 63.5 * np.sin(turn))])


def judge(heard: np.ndarray, strikes: list[int]) -> dict[str, float | int | str]:
    """Lost notes, and latencies of the chords that were heard."""
    lost, latencies = 0, []
    for number, at in enumerate(strikes):
        chord = CHORDS[number % len(CHORDS)]
        sound = heard[at : at + HELD]
        lost += sum(not is_heard(sound[HELD // 4 :], pitch) for pitch in chord)
        begun = np.flatnonzero(np.abs(sound) > _SILENT)
        latencies += [int(begun[0])] if len(begun) else []
    periods = np.array(latencies or [HELD]) // PERIOD
    return {
        "lost_notes": lost,
        "notes": len(strikes) * len(CHORDS[0]),
        "latency_periods": float(np.median(periods)),
        "latency_periods_p99": float(np.percentile(periods, 99, method="higher")),
        "latency_ms": 1e3 * float(np.median(latencies or [HELD])) / SAMPLE_RATE,
    }


def is_heard(sound: np.ndarray, pitch: float) -> bool:
    """Whether a harmonic of the pitch stands 20 dB out of what lies around it."""
    size = 1 << 16
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size))
    f0_hz = 440.0 * 2 ** ((pitch - 69) / 12)
    for harmonic in range(1, 7):
        middle = harmonic * f0_hz * size / SAMPLE_RATE
        low, high = (round(middle * 2 ** (cents / 1200)) for cents in (-40, 40))
        wide_low, wide_high = (round(middle * 2 ** (cents / 1200)) for cents in (-350, 350))
        floor = np.median(spectrum[wide_low:wide_high]) + 1e-6
        if spectrum[low : high + 1].max() > 10 * floor and spectrum[low : high + 1].max() > 1e-2:
            return True
    return False


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    run("live_latency", measure, model="harmonic", threads=1)
