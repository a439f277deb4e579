"""`transfer`: a recording is followed by an instrument, into a file.

    recording -> heard, block by block -> curves -> fitted to the register
                                                      | frame by frame
    recording -------------- dry -------------> mix <- follower;  mix -> limiter -> file

It is read twice and never held: ten minutes take the memory of a second and of their curves. What
is heard at some sample sounds at the same sample: neither the listener's window nor the frame by
which a follower is behind is left in the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from timbrel.audio import AudioBlocks, AudioWriter
from timbrel.dsp.limiter import Limiter
from timbrel.dsp.listening import FRAME_RATE
from timbrel.dsp.loudness import SILENCE_DB
from timbrel.dsp.trackers import Tracker
from timbrel.errors import BadAudio, Unsupported
from timbrel.instruments.instrument import Instrument, resolve_controls
from timbrel.perform.hearing import hear_recording
from timbrel.perform.register_fit import Fit, fit_to_register, fitted
from timbrel.progress import Progress, silent
from timbrel.sound import Performance

LONGEST_RING_OUT_S = 6.0

_GATHERED = 20
"""Frames of sound that are handed on at once."""

_QUIET = 1e-4
"""Below it nothing rings any more."""

_QUIET_FOR_S = 0.1


@dataclass(frozen=True)
class Manner:
    """How a recording is followed.

    Attributes:
        octaves, gain_db: None has them fitted to the instrument's register.
        semitones: of transposition beside the octaves.
        dry: share of the recording itself in the mix, 0..1.
        tracker: who hears the pitch.
        controls: values for some of the instrument's.
    """

    octaves: int | None = None
    gain_db: float | None = None
    semitones: float = 0.0
    dry: float = 0.0
    tracker: Tracker = "light"
    controls: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Transferred:
    """What was made.

    Attributes:
        path: of the result.
        sample_rate: of it.
        duration_s: of it, what rings out at its end included.
        heard: the recording's melody.
        followed: the same, fitted: what the instrument was told.
        fit: what was done to it.
        doubt: why the melody may not be what was played; nothing where it is clear.
    """

    path: Path
    sample_rate: int
    duration_s: float
    heard: Performance
    followed: Performance
    fit: Fit
    doubt: str


def transfer(
    recording: str | Path,
    instrument: Instrument,
    timbre: Float[Tensor, " params"],
    path: str | Path,
    manner: Manner | None = None,
    *,
    progress: Progress | None = None,
) -> Transferred:
    """Have an instrument follow a recording into a file, mono, at the instrument's rate.

    Until it is complete there is no file, and after an error or Ctrl-C there is none.

    Args:
        recording: one melody: a voice, an instrument.
        instrument: one that can `follow` or `transfer`.
        timbre: of the instrument.
        path: ends in .wav or .flac.
        manner: how; fitted to the instrument's register unless it says otherwise.
        progress: told how many seconds are heard and played.

    Raises:
        BadAudio: the recording cannot be read, or nothing sounds in it.
        BadInput: there is no such control, or the file cannot be written.
        Unsupported: the instrument can do neither.
    """
    manner, told = manner or Manner(), progress or silent
    if not (instrument.can("follow") or instrument.can("transfer")):
        able = ", ".join(["render", *sorted(instrument.abilities)])
        raise Unsupported(f"{instrument.family} cannot follow a recording: it can {able}")
    resolve_controls(instrument.controls, manner.controls)
    blocks = AudioBlocks(recording, instrument.sample_rate)
    heard, doubt = hear_recording(blocks, manner.tracker, told)
    try:
        fit = fit_to_register(
            heard, instrument.register(timbre),
            octaves=manner.octaves, gain_db=manner.gain_db, semitones=manner.semitones,
        )  # fmt: skip
    except BadAudio as error:
        raise BadAudio(f"{recording}: {error}") from None
    followed = fitted(heard, fit)
    rate = instrument.sample_rate
    sound = following(instrument, followed, timbre, manner.controls)
    sound = _until_quiet(sound, blocks.length, rate)
    if manner.dry:
        sound = _beside(sound, iter(blocks), manner.dry)
    with AudioWriter(path, rate) as writer:
        for block in _limited(sound, rate):
            writer.write(torch.from_numpy(block))
            told("playing", writer.frames / rate, blocks.duration_s)
    duration_s = writer.frames / rate
    return Transferred(Path(path), rate, duration_s, heard, followed, fit, doubt)


def following(
    instrument: Instrument,
    performance: Performance,
    timbre: Float[Tensor, " params"],
    controls: Mapping[str, float] | None = None,
) -> Iterator[Float32[np.ndarray, " time"]]:
    """The sound of an instrument that follows a performance, and then rings out.

    Sample n is at n / sample rate of the performance: what a follower is behind is taken off.
    """
    if instrument.can("follow"):
        return _told(instrument, performance, timbre, controls or {})
    return _whole(instrument, performance, timbre, controls)


def _told(
    instrument: Instrument,
    performance: Performance,
    timbre: Float[Tensor, " params"],
    controls: Mapping[str, float],
) -> Iterator[Float32[np.ndarray, " time"]]:
    follower = instrument.follower(timbre, instrument.sample_rate)
    for name, value in controls.items():
        follower.set(name, value)
    hop = follower.sample_rate / follower.frame_rate
    out, filled = np.zeros(round(_GATHERED * hop), np.float32), -round(hop)
    for number, frame in enumerate(_frames(performance)):
        follower.hear(*frame)
        size = round((number + 1) * hop) - round(number * hop)
        block = out[filled : filled + size] if filled >= 0 else np.zeros(size, np.float32)
        follower.process(block)
        filled += size
        if filled + hop > len(out):
            yield out[:filled].copy()
            filled = 0
    if filled > 0:
        yield out[:filled].copy()


def _whole(
    instrument: Instrument,
    performance: Performance,
    timbre: Float[Tensor, " params"],
    controls: Mapping[str, float] | None,
) -> Iterator[Float32[np.ndarray, " time"]]:
    curves = torch.tensor(list(_frames(performance)), dtype=torch.float32).T
    longer = Performance(*curves.contiguous(), frame_rate=performance.frame_rate)
    with torch.no_grad():
        audio = instrument.transfer(longer, timbre, controls)
    for block in audio.float().split(round(_GATHERED * instrument.sample_rate / FRAME_RATE)):
        yield block.numpy()


def _frames(performance: Performance) -> Iterator[tuple[float, float, float]]:
    """Its frames, and silence for as long as anything may ring."""
    curves = (performance.f0_hz, performance.loudness_db, performance.confidence)
    yield from zip(*(curve.tolist() for curve in curves), strict=True)
    for _ in range(round(LONGEST_RING_OUT_S * performance.frame_rate)):
        yield 0.0, SILENCE_DB, 0.0


def _until_quiet(
    sound: Iterator[Float32[np.ndarray, " time"]], length: int, sample_rate: int
) -> Iterator[Float32[np.ndarray, " time"]]:
    """The sound for so long, and then until nothing rings."""
    done, quiet = 0, 0
    for block in sound:
        yield block
        done += len(block)
        quiet = 0 if np.abs(block).max(initial=0.0) > _QUIET else quiet + len(block)
        if done >= length and quiet >= _QUIET_FOR_S * sample_rate:
            return


def _beside(
    sound: Iterator[Float32[np.ndarray, " time"]],
    recording: Iterator[Float32[np.ndarray, " time"]],
    dry: float,
) -> Iterator[Float32[np.ndarray, " time"]]:
    """The sound and a share of the recording, which may be over sooner."""
    waiting = np.zeros(0, np.float32)
    for wet in sound:
        while len(waiting) < len(wet):
            waiting = np.concatenate([waiting, next(recording, np.zeros_like(wet))])
        yield (1 - dry) * wet + dry * waiting[: len(wet)]
        waiting = waiting[len(wet) :]


def _limited(
    blocks: Iterator[Float32[np.ndarray, " time"]], sample_rate: int
) -> Iterator[Float32[np.ndarray, " time"]]:
    """The blocks with no peak over full scale, as early as they were."""
    limiter = Limiter(1, sample_rate)
    late = limiter.delay
    for block in blocks:
        limited = limiter.limit(block[None])[0]
        yield limited[late:]
        late = max(0, late - len(limited))
    yield limiter.flush()[0].numpy()[late:]
