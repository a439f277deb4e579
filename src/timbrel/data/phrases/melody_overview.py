"""One picture of a set's melodies: where, how loudly and how clearly each clip is played."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from timbrel.data.phrases.melody_quality import ClipFigures
from timbrel.data.phrases.melody_report import MelodyReport
from timbrel.picture import sheet
from timbrel.picture.canvas import BLUE, GREY, INK, RED
from timbrel.units import pitch_name

_WRITTEN_OUT = 24
"""So many clips have their names written beside them."""


def draw_melodies(report: MelodyReport, path: Path) -> Path:
    """Draw a set: a bar for each clip from its lowest to its highest note, and its figures.

    Args:
        report: of at least one clip.
        path: a .png, .svg or .pdf to write.
    """
    clips = list(report.clips.values())
    doubtful = len(report.doubtful)
    title = (
        f"{report.folder.resolve().name}: {len(clips)} clips, "
        f"{sum(clip.duration_s for clip in clips) / 60:.1f} minutes, {doubtful} doubtful"
    )
    with sheet(path, 12.0, 8.0, title) as figure:
        span, level, clear = figure.subplots(3, 1, sharex=True, height_ratios=(2.2, 1.2, 1.2))
        colours = [RED if clip.doubts else BLUE for clip in clips]
        _draw_spans(span, clips, colours)
        level.scatter(range(len(clips)), [c.loudness_db for c in clips], c=colours, s=10)
        level.set_ylabel("loudness (dBA)")
        _draw_clearness(clear, clips, colours)
        if len(clips) <= _WRITTEN_OUT:
            names = [Path(name).stem[:24] for name in report.clips]
            clear.set_xticks(range(len(clips)), names, rotation=60, ha="right", fontsize=7)
        else:
            clear.set_xlabel("clip")
        figure.align_ylabels()
    return path


def _draw_spans(axes: Axes, clips: list[ClipFigures], colours: list[str]) -> None:
    """From where to where each melody goes."""
    for place, (clip, colour) in enumerate(zip(clips, colours, strict=True)):
        if clip.lowest is not None and clip.highest is not None:
            axes.plot([place, place], [clip.lowest - 0.2, clip.highest + 0.2], color=colour)
    low, high = axes.get_ylim()
    ticks = range(12 * int(low // 12), int(high) + 12, 12)
    axes.set_yticks(list(ticks), [pitch_name(tick) for tick in ticks])
    axes.set_ylim(low, high)
    axes.set_ylabel("pitch (note)")


def _draw_clearness(axes: Axes, clips: list[ClipFigures], colours: list[str]) -> None:
    pitched = np.array([clip.pitched_share for clip in clips])
    blurred = np.array([clip.blurred_share for clip in clips])
    axes.bar(range(len(clips)), pitched, color=colours, width=0.8)
    axes.bar(range(len(clips)), blurred, color=INK, width=0.3)
    axes.axhline(1.0, color=GREY, linewidth=0.6)
    axes.set_ylim(0, 1.08)
    axes.set_ylabel("share of frames")
    keys = {"a sure pitch": BLUE, "the same, in a doubtful clip": RED, "a bad period": INK}
    patches = [Patch(color=colour, label=label) for label, colour in keys.items()]
    axes.legend(
        handles=patches, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2
    )
