"""What a training of `harmonic` leaves for eyes: its model card, and pictures along the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor

from timbrel.config import to_toml
from timbrel.data.note_set import NoteSet
from timbrel.picture.canvas import LEVELS, sheet
from timbrel.timbre import Bank

if TYPE_CHECKING:
    from timbrel.training.harmonic import HarmonicTraining

_LOSSES_HEAD = "| validation (held-out notes of known instruments) | |\n|---|---|"


def model_card(
    settings: HarmonicTraining,
    sets: Sequence[NoteSet],
    bank: Bank,
    record: Mapping[str, Any],
) -> str:
    """The model's README: what it is, what it was trained on, how, and how to do it again."""
    counts = ", ".join(
        f"{len(bank.names(kind))} {kind}s" for kind in ("sound", "mean", "direction")
    )
    rows = [f"| {k} | {v:.4g} |" for k, v in sorted(record["validation"].items())]
    losses = "\n".join([_LOSSES_HEAD, *rows]) if rows else "Nothing was held out to judge it by."
    heard = "; ".join(
        f"{len(notes)} notes of {len(notes.instruments)} instruments (`{notes.folder}`)"
        for notes in sets
    )
    held_out = f"`{settings.data.validation}`" if settings.data.validation else "none"
    return f"""# harmonic, {settings.size}, {settings.model.sample_rate / 1000:g} kHz

Harmonics, noise and a burst, said moment by moment by a neural field that is told a latent, pitch,
velocity and time. Latent: {settings.model.latent}.

## Training

- Data: {heard}; and instruments that nobody built, drawn at each step for
  {100 * settings.data.pairs.synthetic:.0f} % of the pairs.
- Held-out notes for validation: {held_out}.
- {record["steps"]} steps of {settings.loop.batch_size} pairs, {record["minutes"]:.0f} minutes on
  {record["device"]}, {record["processes"]} process(es) of {record["threads"]} thread(s),
  {record["precision"]}; {", ".join(f"{k} {v}" for k, v in record["versions"].items())}.
- Command: `{record["command"]}`
- Bank: {counts}.

{losses}

## Settings

```toml
{to_toml(settings).strip()}
```
"""


def draw_courses(
    true_db: Float[Tensor, "notes moments mels"],
    said_db: Float[Tensor, "notes moments mels"],
    path: Path,
) -> None:
    """Expected log-mels of true courses over those of said ones, as a PNG."""
    with sheet(path, 2.2 * len(true_db), 4.4) as figure:
        axes = figure.subplots(2, len(true_db), squeeze=False)
        for row, mels in zip(axes, (true_db, said_db), strict=True):
            for axis, mel in zip(row, mels, strict=True):
                loudest = float(mel.max())
                axis.imshow(
                    mel.T.numpy(), origin="lower", cmap=LEVELS, aspect="auto",
                    vmin=loudest - 80, vmax=loudest,
                )  # fmt: skip
                axis.set(xticks=[], yticks=[])
                axis.grid(visible=False)
        axes[0, 0].set_ylabel("true")
        axes[1, 0].set_ylabel("said")
