"""MIDI ports, through RtMidi: which there are on any driver, and one that fills a ring."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from timbrel.errors import BadInput, MissingExtra, Unsupported
from timbrel.live.events import AT_ONCE_S, EventRing
from timbrel.live.quiet import native_quiet

VIRTUAL = "virtual"
"""The name that asks for a port of our own, to which others connect."""

_CLIENT = "timbrel"
_NOBODY = "Midi Through"
"""ALSA's loop-back, which is always there and on which nobody plays."""


def _rtmidi() -> Any:
    try:
        import rtmidi
    except ImportError:
        raise MissingExtra("python-rtmidi", "live") from None
    return rtmidi


def _drivers() -> list[Any]:
    """An input on each driver that answers."""
    rtmidi = _rtmidi()
    inputs = []
    for api in rtmidi.get_compiled_api():
        if api == rtmidi.API_RTMIDI_DUMMY:
            continue
        try:
            with native_quiet():
                inputs.append(rtmidi.MidiIn(rtapi=api, name=_CLIENT))
        except Exception:  # RtMidi has no one class for a driver that is not there
            continue
    return inputs


def input_ports() -> list[str]:
    """Names of the ports that can be played from.

    Raises:
        MissingExtra: python-rtmidi is not installed.
    """
    drivers = _drivers()
    try:
        return [name for driver in drivers for name in driver.get_ports() if _CLIENT not in name]
    finally:
        _close(drivers)


def keyboard_ports(ports: Iterable[str]) -> list[str]:
    """Those of some ports on which somebody may play.

    >>> keyboard_ports(["Midi Through:Midi Through Port-0 14:0", "Keystation 49"])
    ['Keystation 49']
    """
    return [name for name in ports if _NOBODY not in name]


class MidiInput:
    """A port whose messages go into a ring, with the time they came in where that is known.

    Attributes:
        name: of the port.

    Args:
        ring: where they go.
        wanted: part of a port's name; `VIRTUAL` for one of our own.

    Raises:
        MissingExtra: python-rtmidi is not installed.
        BadInput: there is no such port.
    """

    def __init__(self, ring: EventRing, wanted: str) -> None:
        self._ring = ring
        self._input, self.name = _opened(wanted)
        # JACK hands over what came within a period at once: when exactly is not known any more,
        # and the time of the call is only late
        is_exact = self._input.get_current_api() != _rtmidi().API_UNIX_JACK
        self._input.set_callback(self._received if is_exact else self._received_at_once)

    def __enter__(self) -> MidiInput:
        return self

    def __exit__(self, *_: object) -> None:
        self._input.cancel_callback()
        with native_quiet():
            self._input.delete()

    def _received(self, message: tuple[list[int], float], _: object = None) -> None:
        self._ring.push_message(message[0], time.perf_counter())

    def _received_at_once(self, message: tuple[list[int], float], _: object = None) -> None:
        self._ring.push_message(message[0], AT_ONCE_S)


def _opened(wanted: str) -> tuple[Any, str]:
    """The driver that has the port, opened, and the port's name. All others are closed.

    A driver left open at exit keeps JACK's server waiting for it, deaf to its own end.
    """
    drivers = _drivers()
    chosen = None
    try:
        chosen, name = _virtual(drivers) if wanted == VIRTUAL else _named(drivers, wanted)
        return chosen, name
    finally:
        _close([driver for driver in drivers if driver is not chosen])


def _virtual(drivers: list[Any]) -> tuple[Any, str]:
    for driver in drivers:
        try:
            with native_quiet():
                driver.open_virtual_port(_CLIENT)
        except Exception:  # as in `_drivers`
            continue
        return driver, f"{_CLIENT} (virtual)"
    raise Unsupported("no MIDI driver here has virtual ports: name a port with --midi-in")


def _named(drivers: list[Any], wanted: str) -> tuple[Any, str]:
    there = []
    for driver in drivers:
        for number, name in enumerate(driver.get_ports()):
            if _CLIENT not in name:
                there.append(name)
                if wanted.casefold() in name.casefold():
                    with native_quiet():
                        driver.open_port(number, _CLIENT)
                    return driver, name
    known = f"there are {', '.join(there)}" if there else "there is none: try --keys or --play"
    raise BadInput(f"no MIDI port {wanted!r}: {known}")


def _close(drivers: list[Any]) -> None:
    for driver in drivers:
        with native_quiet():
            driver.delete()
