"""The engine, played to the sample with a clock of the test's own."""

from __future__ import annotations

import gc
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from timbrel.instruments.sine import Sine
from timbrel.live import Engine, Event, Keyboard, Knobs, MorphPad, Program
from timbrel.sound import Control, TimbreSpace

ON, OFF, CC, PROGRAM, BEND = 0x90, 0x80, 0xB0, 0xC0, 0xE0
A = 1 * 128 + 60
B = 1 * 128 + 64


def played(player, *events: tuple, block: int = 100, blocks: int = 2, **settings) -> Engine:
    """An engine that was sent events (time in ms, kind, data1, data2, channel) and played."""
    engine = Engine(player, Keyboard(player, **settings))
    ring = engine.ring()
    for time_ms, kind, data1, *rest in events:
        data2, channel = (*rest, *(0, 1)[len(rest) :])
        ring.push(Event(time_ms / 1000, kind, channel, data1, data2))
    out = np.zeros(block, np.float32)
    for number in range(blocks):
        engine.process(out, (number + 1) * block / player.sample_rate)
    return engine


def test_events_come_at_their_sample(player) -> None:
    played(player, (7, ON, 60, 99), (93, OFF, 60), (100, ON, 64, 1), (199, OFF, 64))
    assert player.calls == [
        (7, "on", A, 60.0, 99), (93, "off", A), (100, "on", B, 64.0, 1), (199, "off", B),
    ]  # fmt: skip
    assert player.now == 200


def test_what_is_late_sounds_at_once_and_what_is_to_come_waits(player) -> None:
    engine = played(player, (-500, ON, 60, 99), (150, ON, 64, 99), blocks=1)
    assert player.calls == [(0, "on", A, 60.0, 99)]
    assert len(engine.rings[0]) == 1


@pytest.mark.parametrize("block", [1, 7, 64, 200])
def test_blocks_of_any_size_play_events_at_the_same_samples(player, block: int) -> None:
    events = [(t, kind, 60, 9) for t, kind in ((3, ON), (64, OFF), (65, ON), (131, OFF))]
    played(player, *events, block=block, blocks=-(-200 // block))
    assert [call[0] for call in player.calls] == [3, 64, 65, 131]


def test_several_rings_are_played_by_time_and_each_in_its_own_order(player) -> None:
    engine = Engine(player)
    first, second = engine.ring(), engine.ring()
    first.push(Event(0.0, ON, 1, 60, 1))
    first.push(Event(0.0, OFF, 1, 60))
    first.push(Event(0.05, ON, 1, 60, 2))
    second.push(Event(0.02, ON, 2, 60, 3))
    engine.process(np.zeros(100, np.float32), 0.1)
    assert [(c[0], c[1]) for c in player.calls] == [(0, "on"), (0, "off"), (20, "on"), (50, "on")]
    assert player.calls[2][2] == 2 * 128 + 60


def test_a_key_struck_with_no_force_is_released(player) -> None:
    played(player, (1, ON, 60, 99), (2, ON, 60, 0), (3, OFF, 60))
    assert [call[1] for call in player.calls] == ["on", "off"]


def test_the_pedal_holds_until_it_comes_up(player) -> None:
    played(player, (1, CC, 64, 127), (2, ON, 60, 9), (3, OFF, 60), (4, ON, 64, 9), (5, CC, 64, 63))
    assert [(call[0], *call[1:3]) for call in player.calls] == [
        (2, "on", A), (4, "on", B), (5, "off", A),
    ]  # fmt: skip


def test_a_key_struck_again_under_the_pedal_is_held_by_its_finger(player) -> None:
    played(
        player, (1, CC, 64, 127), (2, ON, 60, 9), (3, OFF, 60), (4, ON, 60, 9), (5, CC, 64, 0),
        (6, OFF, 60),
    )  # fmt: skip
    assert [call[:2] for call in player.calls] == [(2, "on"), (4, "on"), (6, "off")]


def test_the_wheel_bends_by_the_range_that_the_keyboard_asks_for(player) -> None:
    played(
        player, (1, BEND, 0, 64), (2, BEND, 0, 0), (3, BEND, 127, 127), (4, CC, 101, 0),
        (5, CC, 100, 0), (6, CC, 6, 12), (7, BEND, 0, 0),
    )  # fmt: skip
    assert [call[2] for call in player.calls] == [0.0, -2.0, 2.0, -12.0]


def test_all_sound_off_and_all_notes_off(player) -> None:
    played(
        player, (1, CC, 64, 127), (2, ON, 60, 9), (3, OFF, 60), (4, ON, 64, 9), (5, CC, 123, 0),
        (6, ON, 60, 9), (7, CC, 120, 0), (8, OFF, 60),
    )  # fmt: skip
    assert [call[1] for call in player.calls] == ["on", "on", "off", "off", "on", "silence"]


def test_reset_lets_the_pedal_and_the_wheel_go(player) -> None:
    played(player, (1, CC, 64, 99), (2, ON, 60, 9), (3, OFF, 60), (4, CC, 121, 0))
    assert [call[:2] for call in player.calls] == [(2, "on"), (4, "off"), (4, "bend")]


def test_on_one_line_the_last_key_sounds_and_notes_are_slurred(player) -> None:
    played(
        player, (1, ON, 60, 9), (2, ON, 64, 8), (3, OFF, 64), (4, ON, 64, 7), (5, OFF, 60),
        (6, OFF, 64), (7, ON, 60, 6), legato=True,
    )  # fmt: skip
    assert player.calls == [
        (1, "on", A, 60.0, 9), (2, "slur", A, B, 64.0, 8), (3, "slur", B, A, 60.0, 9),
        (4, "slur", A, B, 64.0, 7), (6, "off", B), (7, "on", A, 60.0, 6),
    ]  # fmt: skip


@pytest.mark.parametrize("mode", [(CC, 126, 1), (CC, 68, 127)])
def test_keyboards_choose_one_line_and_many_voices(player, mode: tuple) -> None:
    many = (CC, 127) if mode[1] == 126 else (CC, 68, 0)
    played(
        player, (1, *mode), (2, ON, 60, 9), (3, ON, 64, 9), (4, OFF, 60), (5, OFF, 64),
        (6, *many), (7, ON, 60, 9), (8, ON, 64, 9),
    )  # fmt: skip
    assert [call[:2] for call in player.calls] == [
        (2, "on"), (3, "slur"), (5, "off"), (7, "on"), (8, "on"),
    ]  # fmt: skip


def test_a_line_under_the_pedal_ends_at_once_when_it_comes_up(player) -> None:
    played(
        player, (1, CC, 64, 127), (2, ON, 64, 9), (3, OFF, 64), (4, ON, 60, 9), (5, OFF, 60),
        (6, CC, 64, 0), legato=True,
    )  # fmt: skip
    assert [call[:3] for call in player.calls] == [(2, "on", B), (4, "slur", B), (6, "off", A)]


def test_keys_held_while_the_mode_changes_are_let_go(player) -> None:
    played(player, (1, ON, 60, 9), (2, CC, 68, 127), (3, ON, 64, 9), (4, OFF, 60), (5, OFF, 64))
    assert [call[:3] for call in player.calls] == [
        (1, "on", A), (3, "on", B), (4, "off", A), (5, "off", B),
    ]  # fmt: skip


def test_portamento_is_switched_and_timed(player) -> None:
    knobs = Knobs([Control("glide", "s", 0.0, 2.0, 0.0)])
    played(player, (1, CC, 65, 127), (2, CC, 5, 127), (3, CC, 65, 0), (4, CC, 65, 127), knobs=knobs)
    assert [call[3] for call in player.calls] == [0.08, 2.0, 0.0, 2.0]
    played(player, (1, CC, 65, 127))
    assert len(player.calls) == 4


def test_only_the_channel_asked_for_is_heard(player) -> None:
    played(player, (1, ON, 60, 9, 1), (2, ON, 60, 9, 3), channel=3)
    assert [call[2] for call in player.calls] == [3 * 128 + 60]


def test_programs_choose_sounds_and_unknown_ones_nothing(player) -> None:
    programs = [Program("flute", torch.tensor([1.0])), None, Program("bell", torch.tensor([2.0]))]
    engine = played(player, (1, PROGRAM, 2), (2, PROGRAM, 1), (3, PROGRAM, 99), programs=programs)
    assert player.calls == [(1, "timbre", 2.0)]
    assert engine.keyboard.timbre_name == "bell"


CONTROLS = (
    Control("vibrato_cents", "cents", 0.0, 100.0, 0.0),
    Control("cutoff", "Hz", 20.0, 20000.0, 1000.0, "log"),
)


def test_the_modulation_wheel_is_vibrato_and_others_as_mapped(player) -> None:
    knobs = Knobs(CONTROLS, {74: "cutoff"})
    played(player, (1, CC, 1, 127), (2, CC, 74, 0), (3, CC, 75, 5), knobs=knobs)
    assert player.calls == [(1, "set", "vibrato_cents", 100.0), (2, "set", "cutoff", 20.0)]


def test_the_next_free_controller_is_learned(player) -> None:
    knobs = Knobs(CONTROLS, learning="cutoff")
    played(player, (1, CC, 64, 0), (2, CC, 30, 127), (3, CC, 31, 127), knobs=knobs)
    assert player.calls == [(2, "set", "cutoff", 20000.0)]
    assert (knobs.learning, knobs.bindings) == (None, {1: "vibrato_cents", 30: "cutoff"})


def test_the_pad_hands_its_timbre_to_the_next_block(player) -> None:
    pad = MorphPad(TimbreSpace.gaussian(4), torch.eye(4).unbind(), background=False)
    engine = played(player, (1, CC, 16, 127), (2, CC, 17, 127), pad=pad)
    assert player.calls == []
    pad.mix()
    engine.process(np.zeros(10, np.float32), 0.3)
    engine.process(np.zeros(10, np.float32), 0.3)
    assert player.calls == [(200, "timbre", 0.0, 0.0, 0.0, 1.0)]


def test_gain_moves_without_steps_and_the_limiter_holds_the_ceiling(player) -> None:
    engine = Engine(player, gain=2.0)
    ring, out = engine.ring(), np.zeros(100, np.float32)
    engine.process(out, 0.1)
    np.testing.assert_allclose(out, 0.5, rtol=1e-6)
    ring.push(Event(0.15, CC, 1, 7, 0))
    engine.process(out, 0.2)
    assert out[0] == pytest.approx(0.5)
    assert out[-1] == 0.0
    assert np.abs(np.diff(out)).max() < 0.006
    player.value = 99.0
    ring.push(Event(0.25, CC, 1, 7, 127))
    engine.process(out, 0.3)
    engine.process(out, 0.4)
    assert 0.7 < np.abs(out).max() <= 0.97


def test_what_is_no_number_is_silence_and_counted(player) -> None:
    player.value = np.nan
    engine = played(player, block=100)
    assert engine.meter.not_finite == 2
    player.value = 1e-39
    out = np.ones(10, np.float32)
    engine.process(out, 1.0)
    assert not out.any()


def test_a_player_that_fails_is_silence_and_counted(player, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of strings")

    monkeypatch.setattr(player, "process", fail)
    engine = Engine(player)
    out = np.ones(10, np.float32)
    engine.process(out, 1.0)
    assert not out.any()
    assert (engine.meter.failures, engine.meter.problem) == (1, "RuntimeError: out of strings")
    monkeypatch.setattr(player, "note_on", fail)
    engine.ring().push(Event(0.0, ON, 1, 60, 9))
    engine.process(out, 1.0)
    assert engine.meter.failures == 3


def test_more_notes_than_voices_are_stolen_from_the_oldest() -> None:
    player = Sine().player(3, 16000)
    engine = Engine(player)
    ring, out = engine.ring(), np.zeros(1600, np.float32)
    for step in range(6):
        ring.push(Event(0.0, ON, 1, 60 + step, 100))
    engine.process(out, 0.1)
    assert player.active_voices == 3
    assert np.abs(out).max() <= 0.97
    for step in range(6):
        ring.push(Event(0.1, OFF, 1, 60 + step))
    engine.process(out, 0.2)
    engine.process(out, 0.3)
    assert player.active_voices == 0


def test_warming_up_leaves_nothing_behind() -> None:
    player = Sine().player(4, 48000)
    engine = Engine(player)
    engine.warm_up(256)
    out = np.ones(256, np.float32)
    engine.process(out, 1.0)
    assert not out.any()
    assert (player.active_voices, engine.meter.notes) == (0, 0)


byte = st.integers(0, 255)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(byte, max_size=4), max_size=40))
def test_any_bytes_are_survived(messages: list[list[int]]) -> None:
    engine = Engine(Sine().player(4, 8000))
    ring, out = engine.ring(), np.zeros(64, np.float32)
    for message in messages:
        ring.push_message(message, 0.0)
    engine.process(out, 1.0)
    assert engine.meter.failures == 0
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 1.0


def test_ten_thousand_random_events_leave_memory_as_it_was(player) -> None:
    random = np.random.default_rng(0)
    engine = Engine(player)
    ring, out = engine.ring(), np.zeros(64, np.float32)
    kinds = random.choice([ON, ON, OFF, CC, BEND, PROGRAM], 13_000).tolist()
    channels = random.integers(1, 17, 13_000).tolist()
    data = random.integers(0, 128, (13_000, 2)).tolist()
    events = zip(kinds, channels, data, strict=True)

    def play(n_events: int) -> None:
        for number in range(n_events):
            kind, channel, (first, second) = next(events)
            ring.push(Event(0.0, kind, channel, first, second))
            if number % 20 == 19:
                engine.process(out, 1.0)
                player.calls.clear()

    play(3000)  # every key of every channel may be down by now
    tracemalloc.start()
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    play(10_000)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 100_000  # names of held keys, of which there are 2,048 at most
    assert (engine.meter.failures, engine.dropped, len(ring)) == (0, 0, 0)
