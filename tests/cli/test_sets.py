"""data show: what a set holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def test_data_show_counts_what_a_set_holds(timbrel: Any, sounds: Path) -> None:
    made = ("data", "folder", "sounds/?.wav", "family=organ", "--out", "set", "--processes", "0")
    assert timbrel(*made).code == 0
    shown = json.loads("\n".join(timbrel("data", "show", "set", "--json").out))
    assert (shown["notes"], shown["families"]) == (4, {"organ": 4})
    assert (shown["lowest"], shown["highest"]) == ("G3", "C5")
    ran = timbrel("data", "show", "set", "--plot")
    assert ran.paths[-1] == Path("out/set_nsynth-train.png")
    assert Path("out/set_nsynth-train.png") in ran.written
    assert any(line.split() == ["families:", "organ", "4"] for line in ran.out)
    assert "no note set at none" in timbrel("data", "show", "none").refusal
