"""The verb that plays live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from timbrel.cli.arguments import (
    DEFAULT_MODEL,
    BendRange,
    Block,
    Channel,
    Decibels,
    Json,
    Rate,
    Seconds,
    Using,
    Voices,
)
from timbrel.cli.output import say_json, say_lines

Several = Parameter(consume_multiple=True)


def live(
    model: str = DEFAULT_MODEL,
    *,
    timbre: str | None = None,
    midi_in: list[str] | None = None,
    out: str | None = None,
    rate: Rate = 48000,
    block: Block = 256,
    voices: Voices = 16,
    gain: Decibels = -6.0,
    channel: Channel = 0,
    bend_range: BendRange = 2.0,
    corners: Annotated[list[str] | None, Several] = None,
    xy: tuple[int, int] = (16, 17),
    bind: Annotated[list[str] | None, Parameter(name="--map")] = None,
    learn: str | None = None,
    legato: bool = False,
    keys: bool = False,
    play: Path | None = None,
    seconds: Seconds | None = None,
    bank: Path | None = None,
    list_devices: bool = False,
    json: Json = False,
) -> None:
    """Play an instrument from MIDI keyboards, the computer's keys or a song, until Ctrl-C.

    Args:
        model: An instrument: see `timbrel models`.
        timbre: A sound file, name or expression to begin with; program changes choose others.
        midi_in: Part of a MIDI port's name, or "virtual" for a port of its own; may be repeated.
        out: Part of a sound card's name.
        rate: Samples per second.
        block: Samples computed at once: fewer answer sooner, and are harder to keep up with.
        voices: Notes that can sound at once.
        gain: Decibels of the whole, before a limiter.
        channel: The only MIDI channel to listen to; 0 listens to all.
        bend_range: Semitones of the pitch wheel.
        corners: Two to four timbres to morph between by two controllers.
        xy: The numbers of these controllers.
        bind: Which controller turns which control, as in "1=vibrato_depth,74=brightness".
        learn: A control: the next controller that moves is bound to it, and that is kept.
        legato: All keys play one line, and overlapping notes are slurred.
        keys: Play on the computer's keys: z s x d c ... and q 2 w 3 e ...
        play: A MIDI file to play along.
        seconds: Stop after so long.
        bank: A bank of your own beside the model's.
        list_devices: Only list sound cards and MIDI ports.
    """
    from timbrel.cli.live_engine import Wishes
    from timbrel.cli.live_session import devices, play_live

    if list_devices:
        return say_json(devices()) if json else say_lines(devices())
    wishes = Wishes(
        using=Using(model, bank), timbre=timbre, corners=tuple(corners or ()), xy=xy,
        midi_in=tuple(midi_in or ()), keys=keys, song=play, out=out, sample_rate=rate,
        block=block, n_voices=voices, gain_db=gain, channel=channel, bend_range=bend_range,
        bindings=tuple(bind or ()), learn=learn, legato=legato, seconds=seconds,
    )  # fmt: skip
    summary = play_live(wishes)
    return say_json(summary) if json else None
