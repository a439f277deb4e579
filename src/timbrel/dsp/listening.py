"""What a melody does while it is heard: its pitch and its loudness, frame by frame.

    sound --A curve--> power under a Hann window ---------------------------------> loudness
          --low-pass, every nth sample--> likeness to itself --> best way so far --> f0, confidence

The likeness is McLeod's normalised square difference ("A smarter way to find pitch", ICMC 2005):
1 where a stretch comes again just so some samples later. Of its maxima, which stand at the period
and its multiples, the one is taken to which the best way leads (Viterbi's sums, up to now: nothing
waits for what comes later).

Every frame tells of the sound 15 ms before: half the window. The same compiled code hears a
file and a microphone, in blocks of any size, so that what a model was trained on is what it gets
to hear live. Octave errors are rarer by a tracker that may look ahead (`dsp.pitch`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Float, Float32
from scipy import signal
from torch import Tensor

from timbrel.dsp.listening_kernel import CLOCK, MOST_CANDIDATES, Heard, listen
from timbrel.dsp.loudness import SILENCE_DB, a_sections
from timbrel.errors import BadAudio
from timbrel.sound import Performance
from timbrel.units import db_to_power, power_to_db

FRAME_RATE = 200.0
"""Frames per second."""

WINDOW_S = 0.03
DELAY_FRAMES = 3
"""Half the window: how far behind the sound a frame is, but for half a millisecond of low-pass."""

LOWEST_HZ, HIGHEST_HZ = 60.0, 2000.0

_ABOUT_HZ = 16000.0
_TAPS = 16
_QUIET_DB = -70.0


class Listener:
    """Hears one melody, block by block.

    Args:
        sample_rate: of the sound, in Hz.

    Attributes:
        f0_hz: in the latest frame; 0 where none was found.
        confidence: how clear it is, 0..1.
        loudness_db: A-weighted.

    >>> listener = Listener(48000)
    >>> tone = np.sin(np.arange(4800) * (2 * np.pi * 220 / 48000)).astype(np.float32)
    >>> listener.process(tone), round(listener.f0_hz, 1), round(listener.loudness_db)
    (20, 220.0, -13)
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.f0_hz, self.confidence, self.loudness_db = 0.0, 0.0, SILENCE_DB
        self._heard = _silence(sample_rate)
        self._frames = np.zeros((8, 3))
        self._most = math.floor(7 * sample_rate / FRAME_RATE)
        listen(self._heard, np.zeros(0, np.float32), self._frames)

    def process(self, block: Float32[np.ndarray, " time"]) -> int:
        """Hear the next samples; how many frames these completed."""
        made = 0
        for begin in range(0, len(block), self._most):
            count = listen(self._heard, block[begin : begin + self._most], self._frames)
            if count:
                self._take(self._frames[count - 1])
            made += count
        return made

    def _take(self, frame: np.ndarray) -> None:
        period, confidence, power = frame.tolist()
        self.f0_hz = self.sample_rate / period if period else 0.0
        self.confidence = confidence
        self.loudness_db = max(float(power_to_db(max(power, 1e-20))), SILENCE_DB)


def follow(audio: Float[Tensor, " time"], sample_rate: int) -> Performance:
    """A recording's melody as curves, `FRAME_RATE` frames a second, each in its place.

    Args:
        audio: one melody, mono.
        sample_rate: in Hz.

    Raises:
        BadAudio: the audio is empty or not finite.

    >>> tone = torch.sin(torch.arange(16000) * (2 * torch.pi * 220 / 16000))
    >>> follow(tone, 16000).f0_hz[100].round()
    tensor(220.)
    """
    if audio.ndim != 1 or not len(audio):
        raise BadAudio(f"a melody needs mono audio, got shape {tuple(audio.shape)}")
    if not bool(audio.isfinite().all()):
        raise BadAudio("the audio holds NaN or infinity: there is no melody to hear")
    return follow_blocks([audio.detach().cpu().float().numpy()], sample_rate)


def follow_blocks(blocks: Iterable[Float32[np.ndarray, " _"]], sample_rate: int) -> Performance:
    """The same of a recording that comes in blocks, of which none is kept.

    >>> tone = np.sin(np.arange(16000) * (2 * np.pi * 220 / 16000)).astype(np.float32)
    >>> follow_blocks(np.split(tone, 100), 16000).f0_hz[100].round()
    tensor(220.)
    """
    heard, hop = _silence(sample_rate), sample_rate / FRAME_RATE
    length, parts = 0, []
    for block in blocks:
        parts.append(_frames_of(heard, block, hop))
        length += len(block)
    n_frames = 1 + math.floor(length / hop)
    rest = math.ceil((n_frames + DELAY_FRAMES) * hop) - length
    parts.append(_frames_of(heard, np.zeros(rest, np.float32), hop))
    # the first frame is made when one hop has passed
    period, confidence, power = np.concatenate(parts)[DELAY_FRAMES - 1 :][:n_frames].T
    f0_hz = np.divide(sample_rate, period, out=np.zeros_like(period), where=period > 0)
    loudness_db = power_to_db(torch.from_numpy(power.clip(1e-20))).clamp_min(SILENCE_DB)
    curves = (torch.from_numpy(f0_hz), loudness_db, torch.from_numpy(confidence.copy()))
    return Performance(*(curve.float() for curve in curves), frame_rate=FRAME_RATE)


def _frames_of(heard: Heard, block: np.ndarray, hop: float) -> Float[np.ndarray, "frames 3"]:
    frames = np.zeros((math.ceil(len(block) / hop) + 1, 3))
    return frames[: listen(heard, block, frames)]


def _silence(sample_rate: int) -> Heard:
    """What is known before anything is heard."""
    factor = max(1, round(sample_rate / _ABOUT_HZ))
    slow_hz = sample_rate / factor
    longest, size = math.ceil(slow_hz / LOWEST_HZ), round(WINDOW_S * slow_hz)
    of = np.zeros(1, CLOCK)
    of["hop"], of["factor"] = sample_rate / FRAME_RATE, factor
    of["shortest"], of["longest"] = max(2, math.floor(slow_hz / HIGHEST_HZ)), longest
    of["quiet"] = db_to_power(_QUIET_DB)
    sections = a_sections(sample_rate)
    window = torch.hann_window(round(WINDOW_S * sample_rate), dtype=torch.float64).numpy()
    taps = (
        np.ones(1) if factor == 1 else np.asarray(signal.firwin(_TAPS * factor + 1, 0.9 / factor))
    )
    return Heard(
        of=of,
        sections=sections, filtered=np.zeros((len(sections), 2)),
        power=np.zeros(len(window)), window=window / window.sum(),
        sound=np.zeros(len(taps)), taps=taps,
        slow=np.zeros(size, np.float32), segment=np.zeros(size, np.float32),
        clarity=np.zeros(longest + 2, np.float32),
        lags=np.zeros((2, MOST_CANDIDATES)), scores=np.zeros((2, MOST_CANDIDATES)),
        clear=np.zeros(MOST_CANDIDATES),
    )  # fmt: skip
