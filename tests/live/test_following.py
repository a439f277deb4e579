"""The engine of a follower, played to the sample: what is told, when, and what is silent."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from timbrel.dsp.listening import follow
from timbrel.live import Event, FollowEngine, Gate, Knobs, Shift
from timbrel.sound import Control
from timbrel.sound.playing import Follower

RATE = 48000


class Remembering(Follower):
    """Fills its blocks with 0.25, and notes what it was told at which sample."""

    frame_rate = 200.0

    def __init__(self, sample_rate: int = RATE) -> None:
        self.sample_rate = sample_rate
        self.now = 0
        self.frames: list[tuple[int, float, float, float]] = []
        self.turned: list[tuple[int, str, float]] = []
        self.value = 0.25

    def hear(self, f0_hz: float, loudness_db: float, confidence: float) -> None:
        self.frames.append((self.now, f0_hz, loudness_db, confidence))

    def set_timbre(self, timbre) -> None:
        pass

    def set(self, control: str, value: float) -> None:
        if control == "broken":
            raise ValueError("no such thing")
        self.turned.append((self.now, control, value))

    def process(self, out: np.ndarray) -> None:
        out[:] = self.value
        self.now += len(out)


def tone(seconds: float = 0.5, level: float = 0.3, sample_rate: int = RATE) -> np.ndarray:
    time_s = np.arange(round(seconds * sample_rate)) / sample_rate
    partials = [np.sin(2 * np.pi * 220 * k * time_s) / k for k in range(1, 6)]
    return (level * sum(partials)).astype(np.float32)


def played(engine: FollowEngine, sound: np.ndarray, block: int = 256) -> np.ndarray:
    """What an engine makes of a sound."""
    outs = []
    for begin in range(0, len(sound), block):
        heard = sound[begin : begin + block]
        outs.append(np.zeros(len(heard), np.float32))
        engine.process(heard, outs[-1], (begin + block) / RATE)
    return np.concatenate(outs)


@pytest.mark.parametrize("rate", [16000, 22050, 44100, 48000])
@pytest.mark.parametrize("block", [1, 64, 65, 512, 513, 4000])
def test_frames_are_told_at_the_samples_at_which_they_end(rate, block) -> None:
    follower = Remembering(rate)
    sound = tone(0.2, sample_rate=rate)
    played(FollowEngine(follower), sound, block)
    assert [frame[0] for frame in follower.frames] == [
        math.ceil((n + 1) * rate / 200) for n in range(len(follower.frames))
    ]
    assert len(follower.frames) == math.floor(len(sound) / (rate / 200))


def test_what_is_told_is_what_is_heard_in_a_file() -> None:
    import torch

    follower, sound = Remembering(), tone()
    played(FollowEngine(follower), sound)
    whole = follow(torch.from_numpy(sound), RATE)
    told = np.array(follower.frames)[2:]  # a frame tells of the sound three frames ago
    np.testing.assert_allclose(told[:, 1], whole.f0_hz[: len(told)], rtol=1e-5)
    np.testing.assert_allclose(told[:, 2], whole.loudness_db[: len(told)], atol=1e-3)


def test_what_is_told_is_shifted_and_louder() -> None:
    follower = Remembering()
    engine = FollowEngine(follower)
    engine.shift = Shift(2.0, 6.0)
    plain = Remembering()
    sound = tone()
    played(engine, sound)
    played(FollowEngine(plain), sound)
    (_, f0_hz, loudness_db, sure), (_, plain_hz, plain_db, plain_sure) = (
        follower.frames[-1], plain.frames[-1],
    )  # fmt: skip
    assert (f0_hz, loudness_db) == pytest.approx((2 * plain_hz, plain_db + 6))
    assert sure == plain_sure
    assert engine.heard_hz == pytest.approx(220, rel=0.001)


def test_what_does_not_pass_the_gate_is_silence() -> None:
    follower = Remembering()
    sound = np.concatenate([tone(0.3, 0.3), tone(0.3, 0.001)])
    played(FollowEngine(follower, gate=Gate(-40.0)), sound)
    loudness_db = np.array(follower.frames)[:, 2]
    assert loudness_db[10:55].min() > -20
    assert set(loudness_db[-50:]) == {-120.0}
    assert set(np.array(follower.frames)[-50:, 1]) == {0.0}


def test_gains_and_dry() -> None:
    follower, sound = Remembering(), tone(level=0.1)
    follower.value = 0.2
    out = played(FollowEngine(follower, input_gain=2.0, dry=0.25, gain=0.5), sound)
    np.testing.assert_allclose(out, 0.5 * (0.75 * 0.2 + 0.25 * 2.0 * sound), atol=1e-6)


def test_controllers_turn_controls() -> None:
    follower = Remembering()
    controls = [Control("noise_gain", "dB", -40.0, 12.0, 0.0), Control("broken", "dB", 0.0, 1.0, 0)]
    engine = FollowEngine(follower, Knobs(controls, {74: "noise_gain", 75: "broken"}))
    ring = engine.ring()
    for kind, number, value in ((0xB0, 74, 127), (0xB0, 73, 1), (0x90, 74, 1), (0xB0, 75, 1)):
        ring.push(Event(0.0, kind, 1, number, value))
    played(engine, tone(0.1))
    assert follower.turned == [(0, "noise_gain", 12.0)]
    assert (engine.meter.failures, engine.meter.problem) == (1, "ValueError: no such thing")


def test_what_is_no_number_is_silence_and_harms_nothing() -> None:
    follower, sound = Remembering(), tone(0.4)
    sound[1000:1100] = np.nan
    sound[2000] = np.inf
    follower.value = np.nan
    engine = FollowEngine(follower)
    out = played(engine, sound)
    assert not out.any()
    assert engine.meter.not_finite > 0
    assert follower.frames[-1][1] == pytest.approx(220, rel=0.001)


def test_a_follower_that_fails_is_silence_and_is_counted() -> None:
    follower = Remembering()

    def fail(out: np.ndarray) -> None:
        raise RuntimeError("out of strings")

    follower.process = fail
    engine = FollowEngine(follower)
    assert not played(engine, tone(0.1)).any()
    assert engine.meter.problem == "RuntimeError: out of strings"


def test_the_last_seconds_are_remembered_in_order() -> None:
    engine = FollowEngine(Remembering())
    assert len(engine.remembered()) == 0
    played(engine, tone(0.5))
    assert engine.remembered()[:, 0][10:] == pytest.approx(np.full(90, 220.0), rel=0.001)
    sound = np.concatenate([tone(6.0, 0.01), tone(6.0, 0.1)])
    played(engine, sound, 4096)
    loudness_db = engine.remembered()[:, 1]
    assert len(loudness_db) == 2000
    assert loudness_db[300] < loudness_db[-300] - 19


def test_warm_up_leaves_nothing_behind() -> None:
    engine = FollowEngine(Remembering())
    engine.warm_up(256)
    assert engine.meter.blocks == engine.meter.failures == 0
    assert engine.remembered()[:, 1].max() == -120.0
    follower = engine.follower
    assert isinstance(follower, Remembering)
    played(engine, tone(0.1))
    steps = np.diff([frame[0] for frame in follower.frames])
    assert set(steps) == {240}


def test_the_peak_is_of_the_time_since_the_last_look() -> None:
    engine = FollowEngine(Remembering())
    played(engine, np.full(512, 0.1, np.float32))
    assert engine.look_at_level_db() == pytest.approx(-20)
    assert engine.look_at_level_db() == pytest.approx(-120)


def test_a_minute_takes_no_more_memory_than_a_second() -> None:
    engine, second = FollowEngine(Remembering()), tone(1.0)
    engine.follower.hear = lambda *_: None
    played(engine, second)
    tracemalloc.start()
    played(engine, second)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(20):
        played(engine, second, 1024)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 10_000
