"""An instrument played live: MIDI or a microphone in, sound card out."""

from timbrel.live.calm import calm
from timbrel.live.clock import BlockClock
from timbrel.live.devices import input_devices, output_devices
from timbrel.live.engine import Engine
from timbrel.live.events import Event, EventRing, parse_event
from timbrel.live.following import FollowEngine, Gate, Shift
from timbrel.live.keyboard import Keyboard, Program
from timbrel.live.keys import ComputerKeys, reading_keys
from timbrel.live.knobs import Knobs, keep_bindings, parse_bindings, read_bindings, settings_file
from timbrel.live.meter import Meter
from timbrel.live.pad import MorphPad
from timbrel.live.ports import VIRTUAL, MidiInput, input_ports, keyboard_ports
from timbrel.live.song import feeding, song_events
from timbrel.live.sound_card import Duplex, Output

__all__ = [
    "VIRTUAL",
    "BlockClock",
    "ComputerKeys",
    "Duplex",
    "Engine",
    "Event",
    "EventRing",
    "FollowEngine",
    "Gate",
    "Keyboard",
    "Knobs",
    "Meter",
    "MidiInput",
    "MorphPad",
    "Output",
    "Program",
    "Shift",
    "calm",
    "feeding",
    "input_devices",
    "input_ports",
    "keep_bindings",
    "keyboard_ports",
    "output_devices",
    "parse_bindings",
    "parse_event",
    "read_bindings",
    "reading_keys",
    "settings_file",
    "song_events",
]
