"""One picture of a note set: who plays which keys, how hard and how long, and how that looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from torch import Tensor

from timbrel.data.notes.note_set import NoteSet
from timbrel.data.notes.nsynth_layout import FAMILIES, QUALITIES, UNKNOWN
from timbrel.dsp.mel import FLOOR_DB, MelScale, mel_db, mel_power
from timbrel.picture import sheet
from timbrel.picture.canvas import BLUE, GREEN, INK, LEVELS, ORANGE
from timbrel.units import pitch_name

_COLUMNS, _ROWS = 12, 6
_GAP = 6


def draw_note_set(notes: NoteSet, path: str | Path, title: str | None = None) -> Path:
    """Draw a note set: families over the keyboard, velocities, holds, qualities, spectrograms.

    Args:
        notes: at least one.
        path: a .png, .svg or .pdf to write.
        title: what the picture is called; the set's folder and size otherwise.

    Raises:
        BadInput: the path is no picture's name.
        BadAudio: a wav of the set cannot be used.
    """
    path = Path(path)
    players = len(notes.instruments)
    called = title or (
        f"{notes.folder.name}: {len(notes):,} notes of {players} instrument{'s'[: players - 1]}"
    )
    with sheet(path, 12.0, 10.0, called) as figure:
        grid = figure.add_gridspec(3, 3, height_ratios=(1.25, 1.0, 3.0))
        _draw_keys(figure.add_subplot(grid[0, :]), notes)
        for column, draw in enumerate((_draw_velocities, _draw_holds, _draw_qualities)):
            draw(figure.add_subplot(grid[1, column]), notes)
        _draw_mosaic(figure.add_subplot(grid[2, :]), notes)
    return path


def mosaic_indices(notes: NoteSet, count: int) -> Int[Tensor, " chosen"]:
    """Up to `count` notes, spread over families, instruments and pitches: the same ones each time.

    Notes are put in the order of family, instrument and pitch, and taken at equal distances.
    """
    order = torch.from_numpy(
        np.lexsort((notes.pitch.numpy(), notes.instrument.numpy(), notes.family.numpy()))
    )
    count = min(count, len(notes))
    return order[((torch.arange(count) + 0.5) * (len(notes) / max(count, 1))).long()]


def _draw_keys(axes: Axes, notes: NoteSet) -> None:
    """How many notes each family has at each pitch."""
    names = (*FAMILIES, UNKNOWN)
    present = notes.family.unique().tolist()
    low, high = int(notes.pitch.min()), int(notes.pitch.max())
    counts = torch.zeros(len(present), high - low + 1)
    for row, family in enumerate(present):
        there = notes.pitch[notes.family == family] - low
        counts[row] = torch.bincount(there, minlength=high - low + 1).float()
    axes.imshow(
        counts.numpy(), cmap=LEVELS, vmin=0, origin="lower",
        extent=(low - 0.5, high + 0.5, -0.5, len(present) - 0.5),
    )  # fmt: skip
    axes.set_yticks(
        range(len(present)),
        [f"{names[f]}  {int((notes.family == f).sum()):,}" for f in present],
    )
    ticks = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
    axes.set_xticks(ticks, [pitch_name(pitch) for pitch in ticks])
    axes.grid(visible=False)
    axes.set_title(f"notes of each family over the keyboard (darkest: {int(counts.max())} a key)")


def _draw_velocities(axes: Axes, notes: NoteSet) -> None:
    axes.hist(notes.velocity.numpy(), bins=[0.5 + 4 * i for i in range(33)], color=BLUE)
    axes.set_xlim(0, 128)
    axes.set_title("velocity (MIDI)")


def _draw_holds(axes: Axes, notes: NoteSet) -> None:
    longest = max(4.0, float(notes.hold_s.max()))
    axes.hist(notes.hold_s.numpy(), bins=np.geomspace(0.03, longest, 40).tolist(), color=ORANGE)
    axes.set_xscale("log")
    ticks = [tick for tick in (0.03, 0.1, 0.3, 1, 3, 10, 30) if tick <= longest]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yscale("symlog", linthresh=10)
    axes.set_ylim(bottom=0)
    axes.set_title("key held (s); counts on a log scale")


def _draw_qualities(axes: Axes, notes: NoteSet) -> None:
    share = 100.0 * notes.qualities.float().mean(0)
    places = range(len(QUALITIES))
    axes.barh(places, share.numpy(), color=GREEN, height=0.7)
    axes.set_yticks(places, QUALITIES)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_title("qualities (% of notes)")


def _draw_mosaic(axes: Axes, notes: NoteSet) -> None:
    """Log-mels of notes from all over the set, each labelled, time to the right."""
    chosen = mosaic_indices(notes, _ROWS * _COLUMNS)
    tiles = _tiles(notes, chosen)
    height, width = tiles.shape[1] + 2 * _GAP, tiles.shape[2] + _GAP
    picture = torch.full((_ROWS * height, _COLUMNS * width), FLOOR_DB)
    for place, tile in enumerate(tiles):
        top, left = place // _COLUMNS * height, place % _COLUMNS * width
        picture[top + 2 * _GAP : top + height, left : left + tile.shape[1]] = tile.flip(0)
        record = notes[int(chosen[place])]
        axes.text(
            left, top + 1.7 * _GAP, f"{record.family} {record.instrument_str[-3:]} "
            f"{pitch_name(record.pitch)}", fontsize=5.5, color=INK, va="bottom",
        )  # fmt: skip
    axes.imshow(picture.numpy(), cmap=LEVELS, vmin=FLOOR_DB, vmax=0.0, aspect="auto")
    axes.set_axis_off()
    seconds = tiles.shape[2] * _scale(notes).hop_length / notes.sample_rate
    axes.set_title(f"log-mel spectrograms, {seconds:.0f} s each, {FLOOR_DB:.0f} to 0 dB")


def _scale(notes: NoteSet) -> MelScale:
    """64 ms windows, some 60 columns in 4 s: a tile is small."""
    n_fft = 1 << round(0.064 * notes.sample_rate - 1).bit_length()
    highest_hz = min(7600.0, 0.475 * notes.sample_rate)
    return MelScale(notes.sample_rate, n_fft, n_fft, 56, maximum_hz=highest_hz)


def _tiles(notes: NoteSet, chosen: Int[Tensor, " chosen"]) -> Float[Tensor, "chosen mels frames"]:
    audio = notes.audio_batch(chosen)
    return mel_db(mel_power(audio, _scale(notes)))
