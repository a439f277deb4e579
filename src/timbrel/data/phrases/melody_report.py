"""What the melodies of a set are like: figures of all clips, those that are doubtful, pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from timbrel.audio import probe, read_audio
from timbrel.data.phrases.melody_quality import ClipFigures, measure_clip
from timbrel.data.phrases.phrase_set import HeardSet, PhraseSet
from timbrel.data.workers import each, worker_pool
from timbrel.dsp.trackers import Tracker
from timbrel.progress import Progress
from timbrel.sound import Performance
from timbrel.units import pitch_name

_SHOWN = 30


@dataclass(frozen=True)
class MelodyReport:
    """What was heard in a set; with rich it prints as a table.

    Attributes:
        folder: of the set.
        clips: figures of each recording that could be used, by its path within the folder.
        refused: why the others could not.
        new: how many were heard now, and not before.
        pictures: of each clip, where they were asked for.
    """

    folder: Path
    clips: dict[str, ClipFigures]
    refused: dict[str, str]
    new: int
    pictures: tuple[Path, ...] = ()

    @property
    def doubtful(self) -> dict[str, tuple[str, ...]]:
        """The clips that should be looked at, and why."""
        return {name: clip.doubts for name, clip in self.clips.items() if clip.doubts}

    def figures(self) -> dict[str, Any]:
        """The whole set in a few figures."""
        clips = self.clips.values()
        lows = [clip.lowest for clip in clips if clip.lowest is not None]
        highs = [clip.highest for clip in clips if clip.highest is not None]
        heard = [clip for clip in clips if clip.sounding_share]
        levels_db = sorted(clip.loudness_db for clip in heard)
        return {
            "folder": self.folder,
            "clips": len(self.clips),
            "minutes": sum(clip.duration_s for clip in clips) / 60,
            "heard_now": self.new,
            "lowest": pitch_name(round(min(lows))) if lows else None,
            "highest": pitch_name(round(max(highs))) if highs else None,
            "softest_clip_db": levels_db[0] if levels_db else None,
            "loudest_clip_db": levels_db[-1] if levels_db else None,
            "pitched_share": median(c.pitched_share for c in heard) if heard else None,
            "doubtful": len(self.doubtful),
            "refused": len(self.refused),
        }

    def details(self) -> dict[str, Any]:
        """The same with everything that is known of each clip."""
        clips = [
            {"file": name, **asdict(clip), "doubts": list(clip.doubts)}
            for name, clip in self.clips.items()
        ]
        refused = [{"file": name, "reason": why} for name, why in self.refused.items()]
        return self.figures() | {"each": clips, "each_refused": refused}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        """A row for each clip that is doubtful or refused."""
        rows = {name: ", ".join(doubts) for name, doubts in self.doubtful.items()} | self.refused
        if not rows:
            return
        table = Table("clip", "doubtful or refused")
        for name, why in list(rows.items())[:_SHOWN]:
            table.add_row(Text(name), Text(why))
        if len(rows) > _SHOWN:
            table.add_row(f"and {len(rows) - _SHOWN} more", "--json tells them all")
        yield table


class _Clip(NamedTuple):
    path: Path
    name: str
    melody: Performance
    other: Performance | None
    picture: Path | None


def report_melodies(
    phrases: PhraseSet,
    tracker: Tracker = "light",
    against: Tracker | None = None,
    *,
    pictures: Path | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> MelodyReport:
    """Hear a set's melodies, where that was not done before, and say what they are like.

    Args:
        phrases: the set.
        tracker: who hears the pitch.
        against: who hears it too, to compare.
        pictures: a folder for a picture of each clip.
        processes: that hear and draw; None is one a core, 0 this one.
        progress: told how many are done.

    Raises:
        MissingExtra: a tracker is not installed.
    """
    heard = phrases.heard(tracker, processes=processes, progress=progress)
    others = _others(heard, against, processes, progress)
    tasks = []
    for path, melody in zip(heard.phrases.paths, heard.melodies, strict=True):
        name = _name(path, phrases)
        picture = None if pictures is None else pictures / f"{name}.png"
        tasks.append(_Clip(path, name, melody, others.get(path), picture))
    clips: dict[str, ClipFigures] = {}
    with worker_pool(processes, torch.set_num_threads, (1,)) as pool:
        for name, clip in each(pool, _look, tasks):
            clips[name] = clip
            if progress is not None:
                progress("looking at melodies", len(clips), len(tasks))
    return MelodyReport(
        phrases.folder,
        {task.name: clips[task.name] for task in tasks},
        {_name(path, phrases): _bare(why, path) for path, why in heard.refused.items()},
        heard.new,
        tuple(task.picture for task in tasks if task.picture is not None),
    )


def _name(path: Path, phrases: PhraseSet) -> str:
    return path.relative_to(phrases.folder).as_posix()


def _bare(reason: str, path: Path) -> str:
    """What stands beside the name need not begin with it."""
    return reason.removeprefix(str(path)).lstrip(": ")


def _others(
    heard: HeardSet, against: Tracker | None, processes: int | None, progress: Progress | None
) -> dict[Path, Performance]:
    if against is None:
        return {}
    other = heard.phrases.heard(against, processes=processes, progress=progress)
    return dict(zip(other.phrases.paths, other.melodies, strict=True))


def _look(clip: _Clip) -> tuple[str, ClipFigures]:
    sample_rate = probe(clip.path).sample_rate
    audio = read_audio(clip.path, sample_rate)
    figures = measure_clip(audio, sample_rate, clip.melody, clip.other)
    if clip.picture is not None:
        from timbrel.picture import draw_melody

        title = ": ".join(filter(None, (clip.name, ", ".join(figures.doubts))))
        draw_melody(clip.picture, title, audio, sample_rate, clip.melody, clip.other)
    return clip.name, figures
