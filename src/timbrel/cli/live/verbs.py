"""The verb that plays live."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from timbrel.cli.arguments import (
    DEFAULT_MODEL,
    BendRange,
    Block,
    Channel,
    Decibels,
    Json,
    Level,
    Octaves,
    Rate,
    Seconds,
    Share,
    Using,
    Voices,
)
from timbrel.cli.output import say_json, say_lines
from timbrel.errors import BadInput

Several = Parameter(consume_multiple=True)


@dataclass(frozen=True)
class Microphone:
    """Who follows a microphone, and how it is heard.

    Attributes:
        transfer: Follow a microphone instead: who plays what is heard, such as violin; see
            `timbrel transfer`.
        audio_in: Part of the microphone's name.
        octave: Octaves to shift what is heard by; "auto" listens for a few seconds, then goes into
            the instrument's range, and to its level unless --input-gain says otherwise.
        gate: Decibels (A-weighted) under which what is heard is silence.
        input_gain: Decibels of what is heard.
        dry: How much of what is heard is mixed in, 0 to 1.
    """

    transfer: str | None = None
    audio_in: str | None = None
    octave: Octaves = 0
    gate: Level = -50.0
    input_gain: Decibels | None = None
    dry: Share = 0.0

    def told(self) -> dict[str, Any]:
        """The same as the wishes of a session take it."""
        return {
            "to": self.transfer, "audio_in": self.audio_in, "octaves": self.octave,
            "gate_db": self.gate, "input_gain_db": self.input_gain, "dry": self.dry,
        }  # fmt: skip


@dataclass(frozen=True)
class Controllers:
    """What MIDI is listened to, and what it turns.

    Attributes:
        midi_in: Part of a MIDI port's name, or "virtual" for a port of its own; may be repeated.
        channel: The only MIDI channel to listen to; 0 listens to all.
        bind: Which controller turns which control, as in "1=vibrato_depth,74=brightness".
        learn: A control: the next controller that moves is bound to it, and that is kept.
    """

    midi_in: list[str] | None = None
    channel: Channel = 0
    bind: Annotated[list[str] | None, Parameter(name="--map")] = None
    learn: str | None = None

    def told(self) -> dict[str, Any]:
        """The same as the wishes of both kinds of session take it."""
        bindings, ports = tuple(self.bind or ()), tuple(self.midi_in or ())
        return {
            "midi_in": ports, "channel": self.channel, "bindings": bindings, "learn": self.learn,
        }  # fmt: skip


NO_MICROPHONE, ALL_MIDI = Microphone(), Controllers()


def live(
    model: str = DEFAULT_MODEL,
    *,
    timbre: str | None = None,
    controllers: Annotated[Controllers, Parameter(name="*")] = ALL_MIDI,
    out: str | None = None,
    rate: Rate = 48000,
    block: Block = 256,
    voices: Voices = 16,
    gain: Decibels = -6.0,
    bend_range: BendRange = 2.0,
    corners: Annotated[list[str] | None, Several] = None,
    xy: tuple[int, int] = (16, 17),
    legato: bool = False,
    microphone: Annotated[Microphone, Parameter(name="*")] = NO_MICROPHONE,
    keys: bool = False,
    play: Path | None = None,
    seconds: Seconds | None = None,
    bank: Path | None = None,
    list_devices: bool = False,
    json: Json = False,
) -> None:
    """Play an instrument from MIDI keyboards, the computer's keys, a song or a microphone.

    It ends by Ctrl-C.

    Args:
        model: An instrument: see `timbrel models`.
        timbre: A sound file, name or expression to begin with; program changes choose others.
        controllers: What MIDI is listened to.
        out: Part of a sound card's name.
        rate: Samples per second.
        block: Samples computed at once: fewer answer sooner, and are harder to keep up with.
        voices: Notes that can sound at once.
        gain: Decibels of the whole, before a limiter.
        bend_range: Semitones of the pitch wheel.
        corners: Two to four timbres to morph between by two controllers.
        xy: The numbers of these controllers.
        legato: All keys play one line, and overlapping notes are slurred.
        microphone: What follows a microphone, and how.
        keys: Play on the computer's keys: z s x d c ... and q 2 w 3 e ...
        play: A MIDI file to play along.
        seconds: Stop after so long.
        bank: A bank of your own beside the model's.
        list_devices: Only list sound cards, microphones and MIDI ports.
    """
    from timbrel.cli.live.engine import LiveWishes
    from timbrel.cli.live.session import devices, play_live

    if list_devices:
        return (say_json if json else say_lines)(devices())
    shared = controllers.told() | {"timbre": timbre, "out": out, "sample_rate": rate}
    shared |= {"block": block, "gain_db": gain, "seconds": seconds}
    if microphone.transfer is not None:
        from timbrel.cli.live.following import FollowWishes, follow_live

        _alone(keys, play, corners, legato)
        figures = follow_live(FollowWishes(bank=bank, **microphone.told(), **shared))
    else:
        figures = play_live(LiveWishes(
            using=Using(model, bank), corners=tuple(corners or ()), xy=xy, keys=keys, song=play,
            n_voices=voices, bend_range=bend_range, legato=legato, **shared,
        ))  # fmt: skip
    return say_json(figures) if json else None


def _alone(*beside: object) -> None:
    """Refuse what is asked for beside a microphone."""
    if any(beside):
        raise BadInput("--keys, --play, --corners and --legato are not for --transfer")
