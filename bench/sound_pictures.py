"""A page of eight notes: each true, resynthesised from its analysis, played, shifted, by mel_vae.

Eight instruments that were never trained on, each heard at one pitch and played at another. The
full run draws docs/images/eight_notes.png; `--picture PATH` draws elsewhere. Keys, NOTE being the
instrument: `log_mel_l1_NOTE` (dB) and `pitch_accuracy_NOTE` beside the true note, of
the instrument, and with the endings `_ceiling` (resynthesis), `_shift` (librosa's pitch_shift of
what was heard) and `_mel_vae`; `log_mel_l1` and `pitch_accuracy` are the means.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from _bench import Bench, run
from _notes import JUDGED_AT, FontNote, hear, held_out_font, play, rivals

from timbrel.cli.arguments import DEFAULT_MODEL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "eight_notes.png"

NOTES = (
    (FontNote(4, 60), 67), (FontNote(11, 72), 60), (FontNote(22, 60), 72), (FontNote(25, 55), 67),
    (FontNote(42, 48), 60), (FontNote(57, 55), 48), (FontNote(71, 60), 72), (FontNote(73, 72), 84),
)  # fmt: skip
"""What is heard, and the pitch at which it is played."""

SHOWN_S = 3.6
COLOURS = 64
"""Of the picture, so that the repository stays small."""


def measure(bench: Bench) -> dict[str, float]:
    players, font = rivals(bench.instrument()), held_out_font()
    columns = []
    for note, pitch in NOTES:
        bench.note(f"{note.name} {note.pitch} played at {pitch}")
        target = font.audio(FontNote(note.program, pitch))
        columns.append((note, pitch, {"_real": target} | made(players, font, note, pitch, target)))
    judged = [judge(sounds, pitch) for _, pitch, sounds in columns]
    path = bench.arguments.picture or (None if bench.quick else PICTURE)
    if path is not None:
        names = {"": f"{players[''].family}", "_mel_vae": "mel_vae", "_shift": "pitch_shift",
                 "_ceiling": "ceiling", "_real": "real"}  # fmt: skip
        titles = [f"{note.name.replace('_', ' ')}\n{note.pitch} played at {pitch}"
                  for note, pitch, _ in columns]  # fmt: skip
        draw(path, names, titles, [sounds for *_, sounds in columns], judged)
        bench.note(f"drew {path}")
    return figures_of([note.name for note, *_ in columns], judged)


def made(players, font, note: FontNote, pitch: int, target: Tensor) -> dict[str, Tensor]:
    """The note at another pitch, by each way; from top to bottom of the page."""
    from timbrel.dsp.shifting import shift_pitch
    from timbrel.dsp.tracks import render_tracks
    from timbrel.dsp.tracks.analysis import analyse
    from timbrel.units import midi_to_hz

    ceiling = render_tracks(analyse(target, JUDGED_AT, midi_to_hz(float(pitch))), JUDGED_AT)
    ours = {
        end: play(player, hear(player, font, note), float(pitch))[0]
        for end, player in players.items()
    }
    shifted = shift_pitch(font.audio(note), JUDGED_AT, pitch - note.pitch)
    return {"_ceiling": ceiling, "": ours.pop(""), "_shift": shifted} | ours


def judge(sounds: dict[str, Tensor], pitch: int) -> dict[str, dict[str, float]]:
    from timbrel.dsp.distances import log_mel_l1_db
    from timbrel.evaluate.comparison import heard_pitch

    return {
        end: {
            "log_mel_l1": float(log_mel_l1_db(sound, sounds["_real"])),
            "pitch_accuracy": heard_pitch(sound, pitch),
        }
        for end, sound in sounds.items()
    }


def figures_of(names: list[str], judged: list[dict[str, dict[str, float]]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for key in ("log_mel_l1", "pitch_accuracy"):
        for end in judged[0]:
            values = [row[end][key] for row in judged]
            if (key, end) != ("log_mel_l1", "_real"):
                figures[f"{key}{end}"] = sum(values) / len(values)
                figures |= {f"{key}_{n}{end}": v for n, v in zip(names, values, strict=True)}
    return figures


def draw(
    path: Path,
    names: dict[str, str],
    titles: list[str],
    columns: list[dict[str, Tensor]],
    judged: list[dict[str, dict[str, float]]],
) -> None:
    """One row a way, one column a note, figures under each."""
    from timbrel.picture import sheet

    ends = list(columns[0])
    width, height = 1.35 * len(columns) + 0.5, 1.45 * len(ends) + 0.7
    with sheet(path, width, height) as figure:
        axes = figure.subplots(len(ends), len(columns), squeeze=False, sharex=True, sharey=True)
        for column, (sounds, rows, title) in enumerate(zip(columns, judged, titles, strict=True)):
            axes[0, column].set_title(title, fontsize=7.5)
            for row, end in enumerate(ends):
                panel = axes[row, column]
                draw_panel(panel, sounds[end])
                pitch = f"pitch {100 * rows[end]['pitch_accuracy']:.0f} %"
                away = "" if end == "_real" else f"{rows[end]['log_mel_l1']:.1f} dB, "
                panel.set_xlabel(away + pitch, fontsize=7)
                panel.set_ylabel(names[end] if column == 0 else "", fontweight="bold")
    reduce_colours(path)


def draw_panel(panel: Axes, audio: Tensor) -> None:
    import torch

    from timbrel.picture.panels import draw_mel

    length = round(SHOWN_S * JUDGED_AT)
    shown = torch.nn.functional.pad(audio[:length], (0, max(0, length - len(audio))))
    draw_mel(panel, shown, JUDGED_AT)
    panel.tick_params(labelsize=6, labelbottom=False)


def reduce_colours(path: Path) -> None:
    """Write the picture again with a palette: a third of its size, and no eye sees it."""
    from PIL import Image

    from timbrel.files import replacing

    if path.suffix == ".png":
        with Image.open(path) as image:
            few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        with replacing(path) as temporary:
            few.save(temporary, format="PNG", optimize=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--picture", type=Path, help="where to draw; default: in docs/images")


if __name__ == "__main__":
    run("sound_pictures", measure, model=DEFAULT_MODEL, add_arguments=add_arguments)
