"""Sound cards and MIDI ports, played by stand-ins: what is said when they are not there."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from timbrel.errors import BadInput, MissingExtra, Unsupported
from timbrel.instruments.sine import Sine
from timbrel.live import (
    VIRTUAL,
    Duplex,
    Engine,
    Event,
    EventRing,
    FollowEngine,
    MidiInput,
    Output,
    input_devices,
    input_ports,
    output_devices,
)
from timbrel.live.events import AT_ONCE_S

from .test_following import Remembering


class PortAudioError(Exception):
    pass


class Stream:
    refuses = ""

    def __init__(self, **told) -> None:
        if Stream.refuses:
            raise PortAudioError(f"{Stream.refuses} [PaErrorCode -9997]")
        self.told = told
        self.latency = 0.011
        self.state = "made"

    def start(self) -> None:
        self.state = "started"

    def abort(self) -> None:
        self.state = "aborted"

    def close(self) -> None:
        self.state += ", closed"


DEVICES = [
    {"name": "Microphone", "hostapi": 0, "max_output_channels": 0, "max_input_channels": 1},
    {"name": "Speakers", "hostapi": 0, "max_output_channels": 2, "max_input_channels": 0},
    {"name": "system", "hostapi": 1, "max_output_channels": 8, "max_input_channels": 2},
]


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """A sounddevice with two cards; the test may take them away."""
    devices = list(DEVICES)

    def query_devices(number: int | None = None):
        return devices if number is None else devices[number]

    apis = [{"name": "ALSA"}, {"name": "JACK"}]
    library = SimpleNamespace(
        query_hostapis=lambda: apis, query_devices=query_devices, OutputStream=Stream,
        Stream=Stream, PortAudioError=PortAudioError, default=SimpleNamespace(device=[0, 1]),
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "sounddevice", library)
    monkeypatch.setattr(Stream, "refuses", "")
    return devices


def output(name: str | None = None) -> Output:
    return Output(Engine(Sine().player(4, 48000)), name, 256)


def test_cards_that_play_are_listed_with_their_driver(cards) -> None:
    assert output_devices() == ["Speakers (ALSA)", "system (JACK)"]


def test_the_system_chooses_where_nobody_does(cards) -> None:
    assert output().name == "Speakers (ALSA)"
    assert output("jack").name == "system (JACK)"


def test_a_card_that_is_not_there_or_refuses_is_said_in_one_line(cards) -> None:
    with pytest.raises(BadInput, match=r"no sound card 'Xyz': there are Speakers \(ALSA\), system"):
        output("Xyz")
    Stream.refuses = "Invalid sample rate"
    with pytest.raises(BadInput, match=r"Speakers .* refuses 48000 Hz .*\(Invalid sample rate\)"):
        output()
    cards.clear()
    with pytest.raises(BadInput, match="no sound card: none that plays was found"):
        output()


def test_what_is_missing_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    with pytest.raises(MissingExtra, match=r"sounddevice is not installed: .*timbrel\[live\]"):
        output_devices()
    with pytest.raises(MissingExtra, match=r"python-rtmidi is not installed: .*timbrel\[live\]"):
        input_ports()


def test_the_callback_fills_all_channels_and_counts(cards) -> None:
    engine = Engine(Sine().player(4, 48000))
    ring = engine.ring()
    with Output(engine, None, 256) as card:
        stream = card._stream
        assert stream.state == "started"
        assert stream.told["channels"] == 2
        assert card.latency_s == 0.011
        ring.push(Event(0.0, 0x90, 1, 60, 100))
        out = np.full((256, 2), np.nan, np.float32)
        stream.told["callback"](out, 256, None, SimpleNamespace(output_underflow=True))
        stream.told["callback"](out, 256, None, SimpleNamespace(output_underflow=False))
    assert stream.state == "aborted, closed"
    assert out.any()
    np.testing.assert_array_equal(out[:, 0], out[:, 1])
    assert (engine.meter.blocks, engine.meter.underflows_at_start, engine.meter.notes) == (2, 1, 1)
    assert engine.meter.worst_load > 0


def duplex(device_in: str | None = None) -> Duplex:
    return Duplex(FollowEngine(Remembering()), device_in, None, 256)


def test_cards_that_hear_are_listed_and_found(cards) -> None:
    assert input_devices() == ["Microphone (ALSA)", "system (JACK)"]
    card = duplex()
    assert (card.input_name, card.name) == ("Microphone (ALSA)", "Speakers (ALSA)")
    assert duplex("jack").input_name == "system (JACK)"
    with pytest.raises(
        BadInput, match=r"no microphone 'Xyz': there are Microphone \(ALSA\), system"
    ):
        duplex("Xyz")
    Stream.refuses = "Invalid sample rate"
    with pytest.raises(BadInput, match=r"Microphone .* and Speakers .* refuse 48000 Hz in blocks"):
        duplex()
    Stream.refuses = ""
    cards[:] = cards[1:2]
    with pytest.raises(BadInput, match="no microphone: no sound card that hears was found"):
        duplex()


def test_the_callback_hears_the_first_channel_and_measures_the_round_trip(cards) -> None:
    with duplex() as card:
        told = card._stream.told
        assert (told["device"], told["channels"]) == ((0, 1), (1, 2))
        heard, out = np.full((256, 1), 0.5, np.float32), np.full((256, 2), np.nan, np.float32)
        times = SimpleNamespace(inputBufferAdcTime=5.0, outputBufferDacTime=5.02)
        status = SimpleNamespace(output_underflow=False, input_overflow=True)
        told["callback"](heard, out, 256, times, status)
    engine = card._engine
    assert card.round_trip_s == pytest.approx(0.02)
    assert (engine.meter.blocks, engine.meter.overflows) == (1, 1)
    assert engine.look_at_level_db() == pytest.approx(-6.02, abs=0.01)
    np.testing.assert_array_equal(out, 0.25)


class MidiIn:
    """An input on one of two drivers; JACK's (2) has no virtual ports here."""

    ports: ClassVar = {1: ["Keystation 49", "Drum Pad"], 2: ["probe:keys"]}

    def __init__(self, rtapi: int, name: str) -> None:
        if rtapi not in self.ports:
            raise SystemError("driver is not there")
        self.api = rtapi
        self.callback = None
        self.opened: object = None

    def get_ports(self) -> list[str]:
        return self.ports[self.api]

    def get_current_api(self) -> int:
        return self.api

    def open_port(self, number: int, name: str) -> None:
        self.opened = number

    def open_virtual_port(self, name: str) -> None:
        if self.api == 2:
            raise NotImplementedError
        self.opened = name

    def set_callback(self, callback) -> None:
        self.callback = callback

    def cancel_callback(self) -> None:
        self.callback = None

    def delete(self) -> None:
        self.opened = "deleted"


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[str]]:
    library = SimpleNamespace(
        MidiIn=MidiIn, API_RTMIDI_DUMMY=0, API_UNIX_JACK=2, get_compiled_api=lambda: [0, 2, 1, 3]
    )
    monkeypatch.setitem(sys.modules, "rtmidi", library)
    return MidiIn.ports


def test_ports_of_all_drivers_are_listed(ports) -> None:
    assert input_ports() == ["probe:keys", "Keystation 49", "Drum Pad"]


def test_a_port_fills_its_ring_with_the_time_of_each_message(ports) -> None:
    ring = EventRing()
    with MidiInput(ring, "drum") as port:
        assert (port.name, port._input.opened) == ("Drum Pad", 1)
        port._input.callback(([0x90, 60, 1], 0.0))
        port._input.callback(([0xF0, 1, 2], 0.0))
    (event,) = ring.due(float("inf"))
    assert event[1:] == (0x90, 1, 60, 1)
    assert event.time_s > 0
    assert port._input.opened == "deleted"


def test_jack_says_only_in_which_block_it_was(ports) -> None:
    ring = EventRing()
    with MidiInput(ring, "probe") as port:
        port._input.callback(([0x90, 60, 1], 0.0))
    assert [event.time_s for event in ring.due(1.0)] == [AT_ONCE_S]


def test_ports_that_are_not_there_are_said_in_one_line(ports, monkeypatch) -> None:
    with pytest.raises(BadInput, match="no MIDI port 'Organ': there are probe:keys, Keystation 49"):
        MidiInput(EventRing(), "Organ")
    with MidiInput(EventRing(), VIRTUAL) as port:
        assert port.name == "timbrel (virtual)"
    monkeypatch.setattr(MidiIn, "ports", {2: []})
    with pytest.raises(BadInput, match="no MIDI port 'Organ': there is none: try --keys or --play"):
        MidiInput(EventRing(), "Organ")
    with pytest.raises(Unsupported, match="no MIDI driver here has virtual ports"):
        MidiInput(EventRing(), VIRTUAL)
