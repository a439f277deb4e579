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
    transfer: str | None = None,
    audio_in: str | None = None,
    octave: Octaves = 0,
    gate: Level = -50.0,
    input_gain: Decibels | None = None,
    dry: Share = 0.0,
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
        transfer: Follow a microphone instead: who plays what is heard, such as violin; see
            `timbrel transfer`.
        audio_in: Part of the microphone's name.
        octave: Octaves to shift what is heard by; "auto" listens for a few seconds, then goes into
            the instrument's range, and to its level unless --input-gain says otherwise.
        gate: Decibels (A-weighted) under which what is heard is silence.
        input_gain: Decibels of what is heard.
        dry: How much of what is heard is mixed in, 0 to 1.
        keys: Play on the computer's keys: z s x d c ... and q 2 w 3 e ...
        play: A MIDI file to play along.
        seconds: Stop after so long.
        bank: A bank of your own beside the model's.
        list_devices: Only list sound cards, microphones and MIDI ports.
    """
    from timbrel.cli.live_engine import Wishes
    from timbrel.cli.live_session import devices, play_live

    if list_devices:
        return say_json(devices()) if json else say_lines(devices())
    if transfer is not None:
        from timbrel.cli.live_following import FollowWishes, follow_live

        if keys or play or corners or legato:
            raise BadInput("--keys, --play, --corners and --legato are not for --transfer")
        follow_wishes = FollowWishes(
            to=transfer, timbre=timbre, bank=bank, audio_in=audio_in, out=out, sample_rate=rate,
            block=block, octaves=octave, gate_db=gate, input_gain_db=input_gain, dry=dry,
            gain_db=gain, midi_in=tuple(midi_in or ()), channel=channel,
            bindings=tuple(bind or ()), learn=learn, seconds=seconds,
        )  # fmt: skip
        figures = follow_live(follow_wishes)
        return say_json(figures) if json else None
    wishes = Wishes(
        using=Using(model, bank), timbre=timbre, corners=tuple(corners or ()), xy=xy,
        midi_in=tuple(midi_in or ()), keys=keys, song=play, out=out, sample_rate=rate,
        block=block, n_voices=voices, gain_db=gain, channel=channel, bend_range=bend_range,
        bindings=tuple(bind or ()), learn=learn, legato=legato, seconds=seconds,
    )  # fmt: skip
    summary = play_live(wishes)
    return say_json(summary) if json else None
