"""How much knobs are heard is measured once, and again where the set is another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from timbrel.data.presets import activity
from timbrel.data.presets.activity import ACTIVITY, activity_db, kept_activity_db
from timbrel.data.presets.preset_set import CLAIM
from timbrel.dsp.distances import mss_db
from timbrel.instruments.preset.rendering import attempted
from timbrel.sound import Notes
from timbrel.synths.subtractive import Subtractive

SYNTH = Subtractive()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / CLAIM).write_text("# a set", encoding="utf-8")
    return tmp_path


def patch(**knobs: float) -> torch.Tensor:
    return SYNTH.parameters.vector(knobs)


def test_a_knob_is_heard_by_what_its_reset_changes() -> None:
    vector = patch(cutoff_hz=300.0, osc2_octave=1.0)
    changed = dict(zip(SYNTH.parameters.names, activity_db(SYNTH, vector).tolist(), strict=True))
    notes = Notes.of([60.0, 60.0], 0.8, 3.0)
    both = attempted(SYNTH, torch.stack([vector, patch(osc2_octave=1.0)]), notes)
    assert changed["cutoff_hz"] == pytest.approx(float(mss_db(both[1], both[0], 44100)), abs=1e-3)
    assert changed["cutoff_hz"] > 3
    # the second oscillator is not mixed in
    assert changed["osc2_octave"] < 0.1
    assert changed["resonance"] == 0


def test_what_was_measured_is_not_measured_again(folder: Path, monkeypatch) -> None:
    vectors = [patch(cutoff_hz=300.0), patch(osc_mix=1.0)]
    before = kept_activity_db(folder, SYNTH, vectors[:1])
    both = kept_activity_db(folder, SYNTH, vectors)
    assert torch.equal(both[0], before[0])
    monkeypatch.setattr(activity, "activity_db", None)
    assert torch.equal(kept_activity_db(folder, SYNTH, vectors[::-1]), both.flip(0))


@pytest.mark.parametrize("name", [CLAIM, ACTIVITY])
def test_another_set_and_a_damaged_file_are_measured_anew(folder: Path, name, monkeypatch) -> None:
    vector = patch(cutoff_hz=300.0)
    kept_activity_db(folder, SYNTH, [vector])
    (folder / name).write_text("another", encoding="utf-8")
    monkeypatch.setattr(activity, "activity_db", lambda synth, vector: vector + 7)
    assert torch.equal(kept_activity_db(folder, SYNTH, [vector])[0], vector + 7)
    assert torch.equal(kept_activity_db(folder, SYNTH, [vector])[0], vector + 7)


def test_what_was_measured_until_ctrl_c_is_kept(folder: Path, monkeypatch) -> None:
    def stop(_: str, done: float, total: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(activity, "activity_db", lambda synth, vector: vector)
    with pytest.raises(KeyboardInterrupt):
        kept_activity_db(folder, SYNTH, [patch()], stop)
    monkeypatch.setattr(activity, "activity_db", None)
    assert torch.equal(kept_activity_db(folder, SYNTH, [patch()])[0], patch())
