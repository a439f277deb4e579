"""Which sound cards and microphones there are, through PortAudio."""

from __future__ import annotations

from typing import Any, Literal

from timbrel.errors import BadInput, MissingExtra, Unsupported
from timbrel.live.quiet import native_quiet

Side = Literal["input", "output"]

_CALLED = {"input": "microphone", "output": "sound card"}
_NONE = {
    "input": "no microphone: no sound card that hears was found",
    "output": "no sound card: none that plays was found (is JACK or PulseAudio running?)",
}


def sounddevice_library() -> Any:
    """The library.

    Raises:
        MissingExtra: it is not installed.
        Unsupported: PortAudio is not.
    """
    try:
        with native_quiet():
            import sounddevice
    except ImportError:
        raise MissingExtra("sounddevice", "live") from None
    except OSError:
        raise Unsupported("PortAudio is not installed: apt-get install libportaudio2") from None
    return sounddevice


def _devices(side: Side) -> list[tuple[int, str]]:
    """Number and name of each device of a side, the driver's name behind its own."""
    sounddevice = sounddevice_library()
    drivers = [api["name"] for api in sounddevice.query_hostapis()]
    return [
        (number, f"{device['name']} ({drivers[device['hostapi']]})")
        for number, device in enumerate(sounddevice.query_devices())
        if device.get(f"max_{side}_channels", 0) > 0
    ]


def output_devices() -> list[str]:
    """Names of the devices that play; none on a machine without a sound card.

    Raises:
        MissingExtra: sounddevice is not installed.
    """
    return [name for _, name in _devices("output")]


def input_devices() -> list[str]:
    """Names of the devices that hear, as `output_devices`."""
    return [name for _, name in _devices("input")]


def find_device(wanted: str | None, side: Side) -> tuple[int, str]:
    """Number and name of the device that is named so, or of the system's.

    Raises:
        BadInput: there is none.
    """
    there = _devices(side)
    if not there:
        raise BadInput(_NONE[side])
    if wanted is None:
        default = int(sounddevice_library().default.device[("input", "output").index(side)])
        return next((device for device in there if device[0] == default), there[0])
    for number, name in there:
        if wanted.casefold() in name.casefold():
            return number, name
    names = ", ".join(name for _, name in there)
    raise BadInput(f"no {_CALLED[side]} {wanted!r}: there are {names}")
