"""Plug-ins as a child process holds them: loaded, turned, asked for one note.

A request holds `values` (pairs of a knob and where it stands) or `preset` (a file that the plug-in
loads itself), and a note; or only `preset`, to be told where the knobs stand afterwards.
"""

from __future__ import annotations

import struct
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

_SAMPLE_RATE = 44100
_BLOCK = 512
_LOUDEST = 1000.0
_BEND_RANGE = 2.0
_MIDI_CENTRE = 8192
_TICKS_PER_S = 10000


class VstEngine:
    """A VST2 or VST3 plug-in in dawdreamer."""

    def __init__(self, path: str) -> None:
        dawdreamer: Any = import_module("dawdreamer")
        self.path = path
        self._engine = dawdreamer.RenderEngine(_SAMPLE_RATE, _BLOCK)
        self._plugin = self._engine.make_plugin_processor("plugin", path)
        self._engine.load_graph([(self._plugin, [])])

    def controls(self) -> list[dict[str, Any]]:
        """Names of the knobs in order, as the plug-in calls them, and where they stand."""
        count = self._plugin.get_plugin_parameter_size()
        return [
            {
                "name": self._plugin.get_parameter_name(index),
                "default": self._plugin.get_parameter(index),
            }
            for index in range(count)
        ]

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """A note, or where the knobs stand."""
        for index, value in request.get("values", ()):
            self._plugin.set_parameter(index, value)
        if "preset" in request and not self._plugin.load_preset(request["preset"]):
            return {"error": "refused the preset"}, b""
        if "pitch" not in request:
            return {"values": [knob["default"] for knob in self.controls()]}, b""
        self._play(request)
        self._engine.render(request["total_s"])
        return _sound(self._plugin.get_audio())

    def _play(self, note: dict[str, Any]) -> None:
        bend = [note["pitch"] - round(note["pitch"]) + point for point in note["bend"]]
        velocity = max(1, round(127 * note["velocity"]))
        if not any(bend):
            self._plugin.add_midi_note(round(note["pitch"]), velocity, 0.0, note["held_s"])
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "note.mid"
            path.write_bytes(bent_note(round(note["pitch"]), velocity, note["held_s"], bend))
            self._plugin.load_midi(str(path), clear_previous=True, beats=False, all_events=True)


class VitalEngine:
    """The Vital synthesizer in vita."""

    def __init__(self, path: str) -> None:
        vita: Any = import_module("vita")
        self.path = path
        self._synth = vita.Synth()
        self._synth.set_sample_rate(_SAMPLE_RATE)
        self._controls = self._synth.get_controls()

    def controls(self) -> list[dict[str, Any]]:
        """All knobs in order, with their ranges and the names of their choices."""
        return [self._control(name) for name in self._controls]

    def _control(self, name: str) -> dict[str, Any]:
        told = self._synth.get_control_details(name)
        choices = list(told.options) if told.is_discrete else []
        return {"name": name, "minimum": told.min, "maximum": told.max,
                "default": told.default_value, "is_switch": told.is_discrete,
                "choices": choices}  # fmt: skip

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """A note, or the whole state as a .vital holds it."""
        preset = request.get("preset")
        if preset is not None and not self._synth.load_json(preset):
            return {"error": "refused the preset"}, b""
        for name, value in request.get("values", ()):
            self._controls[name].set(value)
        if "pitch" not in request:
            return {}, self._synth.to_json().encode()
        for name in self._controls:
            if name.endswith("_random_phase"):
                self._controls[name].set(0.0)
        pitch = self._tuned(request["pitch"])
        velocity, held_s, total_s = request["velocity"], request["held_s"], request["total_s"]
        return _sound(self._synth.render(pitch, velocity, held_s, total_s))

    def _tuned(self, pitch: float) -> int:
        """The key of a pitch; what lies between two keys is tuned."""
        if pitch == round(pitch):
            return round(pitch)
        tune = self._controls["voice_tune"]
        pitch = pitch + tune.value()
        key = min(max(round(pitch), 0), 127)
        tune.set(pitch - key)
        return key


def _sound(audio: Any) -> tuple[dict[str, Any], bytes]:
    """The mean of the channels as float32; an error where it cannot be used."""
    mono = np.asarray(audio, np.float32).mean(0, dtype=np.float32)
    if not np.isfinite(mono).all():
        return {"error": "made NaN or infinity"}, b""
    if mono.size and float(np.abs(mono).max()) > _LOUDEST:
        return {"error": f"made a sound {_LOUDEST:g} times louder than full scale"}, b""
    return {}, mono.tobytes()


def bent_note(pitch: int, velocity: int, held_s: float, bend: list[float]) -> bytes:
    """A MIDI file of one note and its bend, a hundred points a second, ticks of 0.1 ms."""
    points = (
        (round(0.01 * _TICKS_PER_S * i), _bend(semitones)) for i, semitones in enumerate(bend)
    )
    end = round(held_s * _TICKS_PER_S)
    events = [*((t, e) for t, e in points if t <= end), (end, bytes([0x80, pitch, 0]))]
    events.insert(1, (0, bytes([0x90, pitch, velocity])))
    tempo = b"\x00\xff\x51\x03" + (1_000_000).to_bytes(3, "big")
    track, now = tempo, 0
    for ticks, event in events:
        track += _variable(ticks - now) + event
        now = ticks
    track += b"\x00\xff\x2f\x00"
    head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, _TICKS_PER_S)
    return head + b"MTrk" + struct.pack(">I", len(track)) + track


def _bend(semitones: float) -> bytes:
    wheel = round(_MIDI_CENTRE * (1 + semitones / _BEND_RANGE))
    wheel = min(max(wheel, 0), 2 * _MIDI_CENTRE - 1)
    return bytes([0xE0, wheel & 0x7F, wheel >> 7])


def _variable(number: int) -> bytes:
    """A number as MIDI files write those of any size."""
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.insert(0, (number & 0x7F) | 0x80)
    return bytes(digits)
