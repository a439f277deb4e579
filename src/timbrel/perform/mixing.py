"""From a score and its parts to stereo blocks: windows of notes, buses, headroom, limiter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.limiter import Limiter
from timbrel.errors import BadInput
from timbrel.midi import Score, ScoreNote
from timbrel.perform.bus import Bus
from timbrel.perform.lines import phrases
from timbrel.perform.parts import Part
from timbrel.perform.rendering import NoteRenderer, Placed
from timbrel.progress import Progress
from timbrel.units import db_to_amplitude

WINDOW_S = 10.0
"""Notes that begin within a window are rendered together."""

_CROWDED = 95
"""Percentile of onsets whose loudness sets the headroom; the limiter takes the rest."""


class Mix:
    """A performance under way; iterate over `blocks` once.

    Attributes:
        sample_rate: of the mix.
        headroom_db: how far the mix is turned down for its busiest moments.
        n_notes: notes that are played.
        rendered: notes that instruments have rendered so far; repeated ones count once.
    """

    def __init__(
        self,
        score: Score,
        parts: Sequence[Part | None],
        sample_rate: int | None = None,
        *,
        gain_db: float = 0.0,
        window_s: float = WINDOW_S,
        separate: bool = False,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> None:
        """Plans the mix.

        Args:
            score: what is played.
            parts: for each of its tracks a part, or None.
            sample_rate: of the mix; None takes the highest of the instruments'.
            gain_db: on top of the headroom.
            window_s: seconds of the score that are rendered at a time.
            separate: whether each track keeps a bus of its own, for stems.
            seed: of what instruments do differently each time.
            progress: told how many notes are done.

        Raises:
            BadInput: the parts do not fit the score, or nobody plays.
        """
        if len(parts) != len(score.tracks):
            got = f"{len(parts)} parts for {len(score.tracks)} tracks"
            raise BadInput(f"{got}: one part or None is wanted for each")
        if not window_s > 0:
            raise BadInput(f"a window of {window_s:g} s: more than 0 is wanted")
        self.playing = [i for i, part in enumerate(parts) if part is not None]
        rates = [part.instrument.sample_rate for part in parts if part is not None]
        if not rates:
            raise BadInput("no track has a part: give one to a track, or choose another score")
        self.sample_rate = sample_rate or max(rates)
        self.rendered = 0
        self._done = 0
        self._window_s = window_s
        self._renderer = NoteRenderer(seed)
        self._progress = progress
        self._buses: list[Bus] = []
        self._placed = sorted(
            self._place(score, parts, separate), key=lambda placed: placed.note.onset_s
        )
        self.headroom_db = headroom_db(
            [(note, placed.part) for placed in self._placed for note in placed.notes]
        )
        self.n_notes = sum(len(placed.notes) for placed in self._placed)
        self._gain_db = gain_db + self.headroom_db
        self._limiter = Limiter(2, self.sample_rate)

    def blocks(
        self,
    ) -> Iterator[tuple[Float[Tensor, "2 time"], list[Float[Tensor, "2 time"]]]]:
        """The mix, limited, and the buses it was made from, unlimited: their sum is the mix."""
        queues = [torch.zeros(2, 0) for _ in self._buses]
        late = self._limiter.delay
        for fresh in self._windows():
            queues = [torch.cat(pair, dim=1) for pair in zip(queues, fresh, strict=True)]
            ready = min(queue.shape[1] for queue in queues)
            stems = [queue[:, :ready] for queue in queues]
            queues = [queue[:, ready:] for queue in queues]
            limited = self._limiter.process(torch.stack(stems).sum(0))
            skipped = min(late, limited.shape[1])
            late -= skipped
            yield limited[:, skipped:], stems
        length = max(queue.shape[1] for queue in queues)
        stems = [torch.nn.functional.pad(q, (0, length - q.shape[1])) for q in queues]
        limited = self._limiter.process(torch.stack(stems).sum(0))
        rest = torch.cat([limited, self._limiter.flush()], dim=1)
        yield rest[:, late:], stems

    def _windows(self) -> Iterator[list[Float[Tensor, "2 time"]]]:
        """What each bus has to send after each window, in the end all of it."""
        now = 0
        for number, notes in groupby(self._placed, key=self._window):
            # what sounds before this window is final now; long rests go out window by window too
            while now < number:
                now += 1
                yield [bus.take(now * self._window_s) for bus in self._buses]
            self._add(notes)
        end_s = max(bus.end_s for bus in self._buses)
        while (now := now + 1) * self._window_s < end_s:
            yield [bus.take(now * self._window_s) for bus in self._buses]
        yield [bus.finish(end_s) for bus in self._buses]

    def _add(self, notes: Iterable[Placed]) -> None:
        for audio, uses in self._renderer.render(notes):
            for placed in uses:
                self._buses[placed.bus].add(audio, placed.note.onset_s, self._gains(placed))
            self._done += sum(len(placed.notes) for placed in uses)
            self.rendered = self._renderer.rendered
            if self._progress is not None:
                self._progress("playing", self._done, self.n_notes)

    def _window(self, placed: Placed) -> int:
        return int(placed.note.onset_s // self._window_s)

    def _place(
        self, score: Score, parts: Sequence[Part | None], separate: bool
    ) -> Iterator[Placed]:
        """All notes with their part and bus: a bus for each track, or for each sample rate."""
        buses: dict[int, int] = {}
        for i in self.playing:
            track, part = score.tracks[i], parts[i]
            assert part is not None
            rate = part.instrument.sample_rate
            key = i if separate else rate
            if key not in buses:
                buses[key] = len(self._buses)
                self._buses.append(Bus(rate, self.sample_rate))
            if part.pan is None:
                part = replace(part, pan=track.pan)
            runs = phrases(track.notes) if part.legato else ((note,) for note in track.notes)
            for first, *slurred in runs:
                yield Placed(first, part, buses[key], tuple(slurred))

    def _gains(self, placed: Placed) -> Float[Tensor, " channels"]:
        level_db = self._gain_db + placed.part.gain_db + placed.note.gain_db
        return pan_gains(placed.part.pan or 0.0) * db_to_amplitude(level_db)


def pan_gains(pan: float) -> Float[Tensor, " channels"]:
    """Gains of left and right whose squares sum to 1, so that a sound is as loud everywhere.

    >>> pan_gains(0.0), pan_gains(1.0)
    (tensor([0.7071, 0.7071]), tensor([0., 1.]))
    """
    angle = (pan + 1) * math.pi / 4
    return torch.tensor([max(math.cos(angle), 0.0), math.sin(angle)]).round(decimals=7)


def headroom_db(notes: Sequence[tuple[ScoreNote, Part]]) -> float:
    """Gain, 0 dB or less, that leaves room for as many notes as sound at once.

    Notes add up in power: at the busiest onsets the sum of the squares of all sounding notes'
    levels comes out as that of one note struck hard. The score alone decides, so that streaming
    needs no second pass.
    """
    if not notes:
        return 0.0
    power = np.array(
        [note.velocity**2 * 10 ** ((note.gain_db + part.gain_db) / 10) for note, part in notes]
    )
    times_s = np.array([[note.onset_s, note.end_s] for note, _ in notes])
    order = np.argsort(times_s.ravel(), kind="stable")
    sounding = np.cumsum(np.stack([power, -power], axis=1).ravel()[order])
    at_onsets = sounding[order % 2 == 0]
    return min(-10 * math.log10(max(float(np.percentile(at_onsets, _CROWDED)), 1e-9)), 0.0)
