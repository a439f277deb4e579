"""How late a process wakes that wants nothing but to wake: what the machine itself takes away.

`python _idle_clock.py SECONDS PERIOD_S` sleeps to each multiple of the period, and prints JSON: the
share of periods that it slept through whole, and the longest that it overslept.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path


def start(seconds: float, period_s: float) -> subprocess.Popen[bytes]:
    """A process of its own that watches from now on."""
    command = [sys.executable, str(Path(__file__)), str(seconds), str(period_s)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def told(clock: subprocess.Popen[bytes]) -> dict[str, float]:
    """What it found; it is waited for."""
    text, _ = clock.communicate()
    return json.loads(text)


def _watch(seconds: float, period_s: float) -> dict[str, float]:
    begin = time.perf_counter()
    late, longest_s, count = 0, 0.0, round(seconds / period_s)
    for number in range(1, count + 1):
        due = begin + number * period_s
        time.sleep(max(0.0, due - time.perf_counter()))
        overslept_s = time.perf_counter() - due
        late += overslept_s > period_s
        longest_s = max(longest_s, overslept_s)
    return {"idle_late_share": late / count, "idle_late_ms_max": 1000 * longest_s}


if __name__ == "__main__":
    print(json.dumps(_watch(float(sys.argv[1]), float(sys.argv[2]))))
