"""What a training of `mel_vae` leaves for eyes: its model card, and pictures along the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor

from timbrel.config import to_toml
from timbrel.data import NoteSet
from timbrel.dsp.mel import FLOOR_DB
from timbrel.picture.canvas import LEVELS, sheet
from timbrel.timbre import Bank

if TYPE_CHECKING:
    from timbrel.training.mel_vae import MelVAETraining

_LOSSES_HEAD = "| validation (held-out notes of known instruments) | |\n|---|---|"


def model_card(
    settings: MelVAETraining, notes: NoteSet, bank: Bank, record: Mapping[str, Any]
) -> str:
    """The model's README: what it is, what it was trained on, how, and how to do it again."""
    counts = ", ".join(
        f"{len(bank.names(kind))} {kind}s" for kind in ("sound", "mean", "direction")
    )
    rows = [f"| {k} | {v:.4g} |" for k, v in sorted(record["validation"].items())]
    losses = "\n".join([_LOSSES_HEAD, *rows]) if rows else "Nothing was held out to judge it by."
    held_out = f"`{settings.data.validation}`" if settings.data.validation else "none"
    return f"""# mel_vae, {settings.size}

A convolutional {"variational " if settings.objective.kl_weight else ""}autoencoder on log-mels (80
bands, 16 kHz) whose decoder is told pitch, velocity and duration. Latent: {settings.model.latent}.

## Training

- Data: {len(notes)} notes of {len(notes.instruments)} instruments (`{settings.data.train}`);
  held-out notes for validation: {held_out}.
- {record["steps"]} steps of {settings.loop.batch_size} notes, {record["minutes"]:.0f} minutes on
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


def draw_pairs(
    true_db: Float[Tensor, "notes mels frames"],
    decoded_db: Float[Tensor, "notes mels frames"],
    names: Sequence[str],
    path: Path,
) -> None:
    """True log-mels over decoded ones, as a PNG."""
    with sheet(path, 2.2 * len(names), 4.4) as figure:
        axes = figure.subplots(2, len(names), squeeze=False)
        for row, mels in zip(axes, (true_db, decoded_db), strict=True):
            for axis, mel in zip(row, mels, strict=True):
                axis.imshow(mel.numpy(), origin="lower", cmap=LEVELS, vmin=FLOOR_DB, vmax=0.0)
                axis.set(xticks=[], yticks=[])
                axis.grid(visible=False)
        for axis, name in zip(axes[0], names, strict=True):
            axis.set_title(name, fontsize=7)
        axes[0, 0].set_ylabel("true")
        axes[1, 0].set_ylabel("decoded")
