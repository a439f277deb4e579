"""Model cards: one writer for all families, and every shipped card is as it would write it now."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from timbrel.config import make_settings, read_toml
from timbrel.instruments import load, models
from timbrel.instruments.model_folder import CARD
from timbrel.training import harmonic, mel_vae
from timbrel.training.folder import ORIGIN
from timbrel.training.model_card import model_card

FAMILIES = {
    "harmonic": (harmonic.HarmonicTraining, harmonic.card_part),
    "mel_vae": (mel_vae.MelVAETraining, mel_vae.card_part),
}
SHIPPED = {
    name: folder for name, folder in models().items()
    if folder is not None and folder.parent.name == "shipped"
}  # fmt: skip
SETS = re.compile(r"- Data: ((?:(?:; )?\d+ notes of \d+ instruments \(`[^`]+`\))+)")


@pytest.mark.parametrize("folder", SHIPPED.values(), ids=SHIPPED.keys())
def test_a_shipped_card_is_what_would_be_written_now(folder: Path) -> None:
    """All but the size of the sets, which do not ship."""
    instrument = load(folder)
    settings_class, card_part = FAMILIES[instrument.family]
    settings = make_settings(settings_class, read_toml(folder / ORIGIN))
    record = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    card = (folder / CARD).read_text(encoding="utf-8")
    told = SETS.search(card)
    assert told is not None
    assert instrument.bank is not None
    written = model_card(card_part(settings, told[1]), settings, instrument.bank, record)
    said, listed = card.split("## Settings")
    assert said == written.split("## Settings")[0]
    # settings that came later stand in no card that was there before
    tables = tomllib.loads(listed.strip().removeprefix("```toml").removesuffix("```"))
    assert make_settings(settings_class, tables) == settings
