"""Rings, clocks, knobs, pads, keys and songs."""

from __future__ import annotations

import gc
import itertools
import sys
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from timbrel.errors import BadConfig, BadInput
from timbrel.live import (
    BlockClock,
    ComputerKeys,
    Event,
    EventRing,
    Knobs,
    Meter,
    MorphPad,
    calm,
    feeding,
    keep_bindings,
    parse_bindings,
    parse_event,
    read_bindings,
    song_events,
)
from timbrel.live.events import NOTE_ON
from timbrel.live.keys import HELD_S, SEMITONES
from timbrel.midi import Score, ScoreNote, Track
from timbrel.sound import Control, TimbreSpace

ON, OFF = 0x90, 0x80
CONTROLS = (Control("drive", "dB", 0.0, 24.0, 0.0), Control("vibrato", "", 0.0, 1.0, 0.0))


@given(st.lists(st.integers(0, 255), max_size=5))
def test_bytes_are_an_event_or_nothing(message: list[int]) -> None:
    event = parse_event(message, 1.0)
    if event is not None:
        assert [event.kind + event.channel - 1, event.data1, event.data2][: len(message)] == message
        assert max(event.data1, event.data2) < 128


def test_a_full_ring_drops_what_comes_and_says_so() -> None:
    ring = EventRing(capacity=3)
    for number in range(5):
        ring.push(Event(0.0, ON, 1, number, 1))
    assert [event.data1 for event in ring.due(1.0)] == [0, 1, 2]
    assert (ring.dropped, len(ring)) == (2, 0)


def test_the_clock_smooths_jitter_follows_drift_and_forgives_a_pause() -> None:
    clock, random = BlockClock(), torch.Generator().manual_seed(0)
    late_s = (torch.rand(500, generator=random) * 0.004).tolist()
    begins = [clock.tick(0.01001 * i + late_s[i], 0.01) for i in range(500)]
    steps = [b - a for a, b in itertools.pairwise(begins[100:])]
    assert max(abs(step - 0.01001) for step in steps) < 0.0003
    assert begins[-1] == pytest.approx(0.01001 * 499 + 0.002, abs=0.001)
    assert clock.tick(99.0, 0.01) == 99.0


def test_underflows_count_once_the_first_second_is_over() -> None:
    meter = Meter()
    for took_s in (0.001, 0.004, 0.001):
        meter.count(took_s, 0.01)
    meter.ran_dry()
    assert (meter.underflows, meter.underflows_at_start) == (0, 1)
    meter.count(0.0, 0.97)
    meter.ran_dry()
    assert meter.underflow_share == 0.25


def test_loads_are_shares_of_the_sound_and_the_largest_is_seen_once() -> None:
    meter = Meter()
    for took_s in (0.001, 0.004, 0.001):
        meter.count(took_s, 0.01)
    assert meter.mean_load == pytest.approx(0.2)
    assert (meter.look(), meter.look(), meter.worst_load) == (0.4, 0.0, 0.4)


def test_knobs_refuse_what_is_not_there() -> None:
    with pytest.raises(BadInput, match="no control 'wobble': this instrument has drive, vibrato"):
        Knobs(CONTROLS, {3: "wobble"})
    with pytest.raises(BadInput, match="no control 'wobble': this instrument has none"):
        Knobs((), learning="wobble")
    with pytest.raises(BadInput, match="controller 64 cannot be mapped"):
        Knobs(CONTROLS, {64: "drive"})
    with pytest.raises(BadInput, match="controller 128 cannot be mapped"):
        Knobs(CONTROLS, {128: "drive"})
    for text in ("1", "x=drive", "1=", "=drive", "-1=drive"):
        with pytest.raises(BadInput, match="maps nothing: write CONTROLLER=CONTROL"):
            parse_bindings([text])


def test_bindings_are_kept_for_each_model(tmp_path) -> None:
    path = tmp_path / "deep" / "live.toml"
    assert read_bindings(path, "mel_vae") == {}
    keep_bindings(path, "mel_vae", {74: "drive"})
    keep_bindings(path, "models/my.model", {1: "vibrato", 2: "drive"})
    assert read_bindings(path, "mel_vae") == {74: "drive"}
    assert read_bindings(path, "models/my.model") == {1: "vibrato", 2: "drive"}
    for damaged in ("[mel_vae\n", "a = " + "[" * 9999):
        path.write_text(damaged, encoding="utf-8")
        with pytest.raises(BadConfig, match=r"cannot be read .*: mend it or delete it"):
            read_bindings(path, "mel_vae")
    path.write_text('[mel_vae]\nwheel = "drive"\n', encoding="utf-8")
    with pytest.raises(BadConfig, match=r"\[mel_vae\] wants lines like"):
        read_bindings(path, "mel_vae")


@pytest.mark.parametrize(
    ("x", "y", "mixed"),
    [(0, 0, [1, 0, 0, 0]), (127, 0, [0, 1, 0, 0]), (0, 127, [0, 0, 1, 0]),
     (127, 127, [0, 0, 0, 1])],
)  # fmt: skip
def test_corners_of_the_pad_are_the_timbres_themselves(x: int, y: int, mixed: list[int]) -> None:
    pad = MorphPad(TimbreSpace.gaussian(4), torch.eye(4).unbind(), (20, 21), background=False)
    assert pad.moved(20, x)
    assert pad.moved(21, y)
    assert not pad.moved(22, 5)
    pad.mix()
    assert pad.timbre is not None
    assert pad.timbre.tolist() == mixed


def test_the_pad_mixes_in_the_background_and_its_thread_ends_with_it() -> None:
    pad = MorphPad(TimbreSpace.gaussian(2), torch.eye(2).unbind())
    pad.moved(16, 127)
    until = time.monotonic() + 10
    while (pad.timbre is None or pad.timbre.tolist() != [0, 1]) and time.monotonic() < until:
        time.sleep(0.005)
    assert pad.timbre is not None
    assert pad.timbre.tolist() == [0, 1]
    pad.close()


def test_pads_of_one_or_five_corners_are_refused() -> None:
    for count in (1, 5):
        with pytest.raises(BadInput, match=f"a pad of {count} corners"):
            MorphPad(TimbreSpace.gaussian(2), [torch.zeros(2)] * count, background=False)


def test_keys_are_a_piano() -> None:
    assert (SEMITONES["z"], SEMITONES["x"], SEMITONES["m"], SEMITONES[","]) == (0, 2, 11, 12)
    assert (SEMITONES["q"], SEMITONES["2"], SEMITONES["u"], SEMITONES["i"]) == (12, 13, 23, 24)
    ring = EventRing()
    keys = ComputerKeys(ring)
    for time_s, key in ((0.0, "z"), (0.5, "z"), (0.6, "="), (0.7, "Z"), (0.8, "!"), (0.9, "é")):
        keys.press(key, time_s)
    keys.rest(0.5 + HELD_S)
    keys.press(" ", 2.0)
    keys.rest(9.0)
    said = [(e.time_s, e.kind, e.data1) for e in ring.due(10.0)]
    assert said == [(0.0, ON, 48), (0.7, ON, 60), (1.1, OFF, 48), (2.0, 0xB0, 120)]


def test_a_song_is_fed_shortly_before_it_is_due() -> None:
    notes = (ScoreNote(60.0, 1.0, 0.0, 0.1), ScoreNote(60.0, 0.001, 0.1, 0.1))
    far = (ScoreNote(72.0, 1.0, 30.0, 0.1),)
    tracks = (Track("", 0, False, notes, channel=2), Track("", 0, True, notes, channel=10),
              Track("", 0, False, far, channel=3))  # fmt: skip
    events = song_events(Score(tracks), 5.0)
    assert [(round(e.time_s, 3), e.kind, e.channel, e.data1, e.data2) for e in events] == [
        (5.0, ON, 2, 60, 127), (5.1, OFF, 2, 60, 0), (5.1, ON, 2, 60, 1), (5.2, OFF, 2, 60, 0),
        (35.0, ON, 3, 72, 127), (35.1, OFF, 3, 72, 0),
    ]  # fmt: skip
    ring = EventRing()
    with feeding(ring, song_events(Score(tracks), time.perf_counter())) as done:
        until = time.monotonic() + 10
        while len(ring) < 4 and time.monotonic() < until:
            time.sleep(0.005)
        assert not done.is_set()
    assert len(ring) == 4
    with feeding(ring, ()) as done:
        assert done.wait(10)


def test_a_key_that_is_struck_while_it_is_down_comes_up_first() -> None:
    notes = (ScoreNote(60, 1.0, 0.0, 2.0), ScoreNote(60.2, 1.0, 1.0, 3.0))
    events = song_events(Score((Track("", 0, False, notes),)))
    assert [(e.time_s, e.kind) for e in events] == [(0.0, ON), (1.0, OFF), (1.0, ON), (4.0, OFF)]


def test_calm_is_given_back() -> None:
    interval = sys.getswitchinterval()
    with calm() as tidy:
        assert not gc.isenabled()
        assert sys.getswitchinterval() < 0.001
        tidy()
    assert gc.isenabled()
    assert sys.getswitchinterval() == interval
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize("numbers", [(16, 16), (16, 999), (-1, 17), (7, 16), (64, 123)])
def test_a_pad_wants_two_free_controllers(numbers: tuple[int, int]) -> None:
    with pytest.raises(BadInput, match=f"a pad under controllers {numbers[0]} and {numbers[1]}: w"):
        MorphPad(TimbreSpace.gaussian(2), torch.eye(2).unbind(), numbers, background=False)


def test_a_song_of_more_events_than_a_ring_holds_loses_none() -> None:
    ring, played = EventRing(capacity=4), []
    events = [Event(0.0, NOTE_ON, 1, number, 100) for number in range(30)]
    with feeding(ring, events) as done:
        while not done.is_set() or len(ring):
            played += ring.due(1.0)
            time.sleep(0.001)
    assert [event.data1 for event in played] == list(range(30))
    assert ring.dropped == 0
