"""The card of a trained model: what it is, what it was trained on, how, and how to do it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from timbrel.config import to_toml
from timbrel.data.notes.note_set import NoteSet
from timbrel.instruments import Instrument
from timbrel.instruments.model_folder import CARD
from timbrel.timbre import Bank
from timbrel.timbre.entry import KINDS
from timbrel.training.settings import TrainingSettings

BANK_COMMAND = "bank_command"
"""Beside a training's record: what made the bank anew."""

_BANK = "- Bank: "


@dataclass(frozen=True)
class CardPart:
    """What only its family can say of a model.

    Attributes:
        title: the model's name and size.
        about: what it is, in a few lines.
        data: what it was trained on.
        held_out: the set that it was validated on, if there was one.
        item: what a training item is, in the plural.
        judged: what was held out, in the plural.
        judged_of: what those are of.
    """

    title: str
    about: str
    data: str
    held_out: str | None
    item: str = "pairs"
    judged: str = "notes"
    judged_of: str = " of known instruments"


def model_card(
    part: CardPart, settings: TrainingSettings, bank: Bank, record: Mapping[str, Any]
) -> str:
    """The model's README.

    Args:
        part: its family's share.
        settings: that it was trained by.
        bank: that it ships.
        record: how the training went, as `TrainingRecord.as_dict` gives it.
    """
    rows = [f"| {k} | {v:.4g} |" for k, v in sorted(record["validation"].items())]
    head = f"| validation (held-out {part.judged}{part.judged_of}) | |\n|---|---|"
    losses = "\n".join([head, *rows]) if rows else "Nothing was held out to judge it by."
    steps = f"{record['steps']} steps of {settings.loop.batch_size} {part.item}"
    return f"""# {part.title}

{part.about}

## Training

- Data: {part.data}.
- Held-out {part.judged} for validation: {f"`{part.held_out}`" if part.held_out else "none"}.
- {steps}, {record["minutes"]:.0f} minutes on
  {record["device"]}, {record["processes"]} process(es) of {record["threads"]} thread(s),
  {record["precision"]}; {", ".join(f"{k} {v}" for k, v in record["versions"].items())}.
- Command: `{record["command"]}`
{bank_line(bank, record)}

{losses}

## Settings

```toml
{to_toml(settings).strip()}
```
"""


def bank_line(bank: Bank, record: Mapping[str, Any]) -> str:
    """What a card says of a bank, and of who made it if not the training."""
    counts = ", ".join(f"{len(bank.names(kind))} {kind}s" for kind in KINDS)
    command = record.get(BANK_COMMAND)
    return f"{_BANK}{counts}{f', by `{command}`' if command else ''}."


def with_bank_of(card: str, bank: Bank, record: Mapping[str, Any]) -> str:
    """A card with what it says of the bank brought up to date."""
    lines = card.split("\n")
    return "\n".join(bank_line(bank, record) if x.startswith(_BANK) else x for x in lines)


def write_model(
    folder: Path,
    instrument: Instrument,
    part: CardPart,
    settings: TrainingSettings,
    record: Mapping[str, Any],
) -> None:
    """Write an instrument that has a bank as models ship: in half precision, with its card."""
    assert instrument.bank is not None
    instrument.save(folder, half=True)
    card = model_card(part, settings, instrument.bank, record)
    (folder / CARD).write_text(card, encoding="utf-8")


def told_sets(sets: Sequence[NoteSet]) -> str:
    """Note sets in words: how much is in each, and where."""
    return "; ".join(
        f"{len(notes)} notes of {len(notes.instruments)} instruments (`{notes.folder}`)"
        for notes in sets
    )
