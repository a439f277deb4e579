"""For eyes: true and rendered notes of held-out instruments, side by side.

one instrument a row:  heard | played back | true note elsewhere | played there | shifted
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from timbrel.data import NoteSet
from timbrel.dsp.distances import log_mel_l1_db
from timbrel.dsp.mel import FLOOR_DB, mel_db, mel_power
from timbrel.dsp.shifting import shift_pitch
from timbrel.errors import BadInput
from timbrel.evaluate.comparison import SAMPLE_RATE
from timbrel.evaluate.held_out import held_out_sets
from timbrel.evaluate.quality import render_trials
from timbrel.evaluate.trials import Trial, interval_trials
from timbrel.instruments.instrument import Instrument
from timbrel.picture.canvas import LEVELS, sheet

_COLUMNS = ("heard", "played back", "true note", "played there", "heard, shifted")


def draw_comparison(
    path: str | Path,
    instrument: Instrument,
    data: NoteSet | str | Path | None = None,
    *,
    rows: int = 5,
    interval: str = "12",
    seed: int = 0,
) -> Path:
    """Draw log-mels of a few held-out notes beside what the instrument makes of them.

    Args:
        path: a .png, .svg or .pdf.
        instrument: one that can encode.
        data: a note set or its folder; None takes held-out instruments of the default set.
        rows: how many instruments.
        interval: from what is heard to what is played, as `trials.INTERVALS` calls it.
        seed: of the draw of the notes.
    """
    sets = held_out_sets(data)
    notes = sets.get("_unseen", sets[""])
    trials = interval_trials(notes, interval, rows, seed)
    if not trials:
        raise BadInput(f"{notes.folder} has no two notes of one instrument at that interval")
    back = list(render_trials(instrument, notes, [Trial(t.source, t.source) for t in trials]))
    there = list(render_trials(instrument, notes, trials))
    with sheet(path, 2.3 * len(_COLUMNS), 1.7 * len(trials) + 0.6) as figure:
        axes = figure.subplots(len(trials), len(_COLUMNS), squeeze=False, sharex=True, sharey=True)
        for row, trial in enumerate(trials):
            heard, true = (notes.audio(i, SAMPLE_RATE) for i in (trial.source, trial.target))
            step = float(notes.pitch[trial.target] - notes.pitch[trial.source])
            moved = shift_pitch(heard, SAMPLE_RATE, step)
            sounds = (heard, back[row], true, there[row], moved)
            truths = (None, heard, None, true, true)
            pitches = (notes.pitch[i] for i in (trial.source, trial.target))
            source, target = (int(pitch) for pitch in pitches)
            for column, (sound, truth) in enumerate(zip(sounds, truths, strict=True)):
                panel = axes[row, column]
                _draw(panel, sound)
                pitch = source if column < 2 else target
                away = "" if truth is None else f", {float(log_mel_l1_db(sound, truth)):.1f} dB"
                panel.set_title(f"{_COLUMNS[column]} {pitch}{away}", fontsize=8)
            axes[row, 0].set_ylabel(notes[trial.target].instrument_str, fontsize=7)
    return Path(path)


def _draw(panel: Axes, audio: Float[Tensor, " time"]) -> None:
    length = 4 * SAMPLE_RATE
    cut = torch.nn.functional.pad(audio[:length], (0, max(0, length - len(audio))))
    levels_db = mel_db(mel_power(cut))
    panel.imshow(
        levels_db.numpy(), origin="lower", aspect="auto", cmap=LEVELS, vmin=FLOOR_DB, vmax=0.0,
        extent=(0, 4, 0, len(levels_db)),
    )  # fmt: skip
    panel.grid(visible=False)
    panel.set_yticks([])
    panel.tick_params(labelsize=7)
