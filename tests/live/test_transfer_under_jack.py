"""`timbrel live --transfer` under JACK, without a sound card: sung into, heard, measured."""

from __future__ import annotations

import json
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from timbrel.dsp.listening import FRAME_RATE, follow
from timbrel.instruments.ddsp import Ddsp, DdspSettings
from timbrel.instruments.ddsp.timbre_layout import Layout, Manner
from timbrel.timbre import Bank

PROBE = Path(__file__).resolve().parents[2] / "bench" / "_jack_probe.py"
PERIOD, RATE = 1024, 48000
"""Four times what musicians take: tests share their processors with other tests."""

SUNG_S, PAUSE_S = 2.5, 1.0
LONGEST_LATENCY_S = 0.3
TRIES = 3

pytestmark = [pytest.mark.slow, pytest.mark.needs("live", "jack")]


@pytest.fixture(scope="module")
def jack() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(PROBE)))


@pytest.fixture(scope="module")
def player(tmp_path_factory) -> Path:
    """A model that answers whatever it is asked with even partials 20 dB under the loudness asked
    for, and hardly any noise, in no room."""
    torch.manual_seed(0)
    model = Ddsp(DdspSettings(size="tiny", sample_rate=RATE, latent=0, reverb_s=0.0))
    decoder = model.network.decoder
    torch.nn.init.zeros_(decoder.say.weight)
    torch.nn.init.zeros_(decoder.say.bias)
    with torch.no_grad():
        decoder.say.bias[decoder.slots.n_slots :][: decoder.bands.n_bands] = -3.0
    model.bank = Bank(model.fingerprint)
    anywhere = Manner(*map(torch.tensor, (0.0, 127.0, -90.0, 0.0, 0.01, 0.0, 0.1)))
    model.bank.add("even", Layout(0).timbre(torch.zeros(0), anywhere))
    folder = tmp_path_factory.mktemp("models") / "even"
    folder.mkdir()
    model.save(folder)
    return folder


def glide(seconds: float = SUNG_S) -> tuple[np.ndarray, np.ndarray]:
    """A voice-like tone that glides up an octave and back with vibrato, and its pitch in Hz."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    octaves = 0.5 - 0.5 * np.cos(2 * np.pi * time_s / seconds)
    f0_hz = 180 * 2 ** (octaves + 0.03 * np.sin(2 * np.pi * 5 * time_s))
    cycles = np.cumsum(f0_hz) / RATE
    formant = [np.sin(2 * np.pi * k * cycles + k) * 0.8**k for k in range(1, 12)]
    shape = np.minimum(1, np.minimum(time_s, seconds - time_s) / 0.03)
    return 0.15 * shape * sum(formant), f0_hz


def listen_to_a_transfer(jack, player: Path) -> tuple[np.ndarray, int, dict, str]:
    """What is heard of two songs with a pause between, where the first began, and the figures."""
    sound = np.concatenate([glide()[0], np.zeros(round(PAUSE_S * RATE)), glide()[0]])
    with jack.Server(PERIOD) as server, jack.Probe(server, 120) as probe:
        command = [sys.executable, "-m", "timbrel", "live", "--transfer", str(player)]
        command += ["--audio-in", "system", "--out", "JACK", "--block", str(PERIOD), "--json"]
        pipe = subprocess.PIPE
        program = subprocess.Popen(
            command, env=server.environment, stdout=pipe, stderr=pipe, text=True,
            preexec_fn=jack.hear_ctrl_c,
        )  # fmt: skip
        probe.listen("PortAudio", 90)
        probe.sing_into("PortAudio")
        probe.wait_until(probe.now + RATE)
        begin = probe.now + 16 * PERIOD
        probe.sing(begin, sound)
        probe.wait_until(begin + len(sound) + RATE)
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=60)
        assert program.returncode == 0, err
        return probe.heard(), begin, json.loads(out), err


def test_what_is_sung_is_followed_as_late_as_is_said(jack, player) -> None:
    """Real time on a machine that does other things as well: one of three tries must be clean."""
    for attempt in range(1, TRIES + 1):
        heard, begin, summary, err = listen_to_a_transfer(jack, player)
        try:
            check(heard[begin:], summary)
        except AssertionError:
            if attempt == TRIES:
                raise
        else:
            break
    assert "even plays on" in err
    assert "Traceback" not in err


def check(heard: np.ndarray, summary: dict) -> None:
    first = follow(torch.from_numpy(heard[: round((SUNG_S + LONGEST_LATENCY_S) * RATE)]), RATE)
    off_cents, latency_s = best_lag(first.f0_hz.numpy())
    assert off_cents < 5
    # what is said reaches from the air to the loudspeaker; the probe sits behind both converters
    period_ms = 1e3 * PERIOD / RATE
    assert 0 <= summary["latency_ms"] - 1e3 * latency_s <= 2.5 * period_ms
    assert summary["listening_ms"] + period_ms <= 1e3 * latency_s
    assert 1e3 * latency_s <= summary["listening_ms"] + 3 * period_ms
    pause = heard[round((SUNG_S + 0.3) * RATE) : round((SUNG_S + PAUSE_S) * RATE)]
    assert np.abs(heard[: round(SUNG_S * RATE)]).max() > 0.01
    assert np.abs(pause).max() < 1e-4
    assert summary["failures"] == summary["blocks_not_finite"] == 0
    assert summary["underflow_share"] < 0.01


def best_lag(heard_hz: np.ndarray) -> tuple[float, float]:
    """How far off the pitch is in the middle, in cents, and how late, where it is nearest."""
    sung_hz = glide()[1][:: round(RATE / FRAME_RATE)]
    inside = slice(20, len(sung_hz) - 20)
    found = []
    for lag in range(round(LONGEST_LATENCY_S * FRAME_RATE)):
        late_hz = heard_hz[lag : lag + len(sung_hz)][inside]
        cents = 1200 * np.abs(np.log2(np.maximum(late_hz, 1) / sung_hz[inside]))
        found.append((float(np.median(cents)), lag / FRAME_RATE))
    return min(found)


def test_without_a_microphone_one_line_says_so(jack, player) -> None:
    with jack.Server(PERIOD) as server:
        jack.Probe(server, 1).__exit__()  # the server answers
        command = [sys.executable, "-m", "timbrel", "live", "--transfer", str(player)]
        done = subprocess.run(
            [*command, "--audio-in", "Kazoo"], env=server.environment, capture_output=True,
            text=True, timeout=90,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("timbrel: no microphone 'Kazoo': there are ")
    assert server.exit_code == 0, "a client was left open"
