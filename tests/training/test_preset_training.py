"""`preset` learns what it is shown: from a set made by the pipeline to a model that hears."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from timbrel.config import make_settings
from timbrel.data.presets.building import build_presets
from timbrel.data.presets.plan import NoteSettings, PresetSetSettings
from timbrel.data.presets.preset_set import PresetSet
from timbrel.errors import BadInput
from timbrel.instruments.preset import Preset
from timbrel.instruments.preset.answers import likeliest
from timbrel.instruments.preset.hearing.target import target_of
from timbrel.instruments.preset.matching.matches import first_word
from timbrel.training.preset.objective import PresetObjective, PresetTraining
from timbrel.training.running.batches import generator_for

SET = PresetSetSettings(
    banks=(), random=24, activity=1, validation=0.2, test=0.0,
    notes=NoteSettings(each=2, lowest=48, highest=72, shortest_s=0.5, longest_s=1.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("presets") / "set"
    build_presets(folder, SET, processes=0)
    return folder


def training(folder: Path) -> PresetTraining:
    tables = {"family": "preset", "size": "tiny", "data": {"train": str(folder)},
              "model": {"latent": 16, "point": 8}, "recommender": {"steps": 200}}  # fmt: skip
    return make_settings(PresetTraining, tables)


def test_a_set_holds_what_was_planned_and_is_made_once(folder: Path) -> None:
    train, valid = PresetSet(folder, "train"), PresetSet(folder, "valid")
    assert len(train) + len(valid) == train.report["notes"] == 48 - train.report["silent"]
    assert train.report["patches"].keys() == {"train", "valid"}
    heard = train.heard(torch.arange(3))
    assert heard.mel.shape == (3, 128, 345)
    assert (float(heard.mel.max()), float(heard.mel.min())) == (1.0, -1.0)
    before = {p: p.stat().st_mtime_ns for p in (folder / "parts").iterdir()}
    build_presets(folder, SET, processes=0)
    assert before == {p: p.stat().st_mtime_ns for p in (folder / "parts").iterdir()}


def test_a_stopped_set_is_finished_to_the_byte(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    build_presets(other, SET, processes=0)
    part = other / "parts" / "part-00000.safetensors"
    whole = part.read_bytes()
    part.unlink()
    (other / "report.json").unlink()
    build_presets(other, SET, processes=0)
    assert part.read_bytes() == whole
    assert (other / "report.json").read_bytes() == (folder / "report.json").read_bytes()


def test_another_set_wants_another_folder(folder: Path) -> None:
    with pytest.raises(BadInput, match="holds a set of other presets or settings"):
        build_presets(folder, SET.model_copy(update={"seed": 1}), processes=0)


def test_one_batch_is_learned_and_every_weight_has_a_gradient(folder: Path) -> None:
    torch.manual_seed(0)
    objective = PresetObjective(training(folder))
    batch = objective.train_set.batch(torch.arange(6), torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(objective.network.parameters(), lr=1e-2)
    first = {}
    for step in range(60):
        losses = objective(batch, "train", generator_for("test"))
        optimizer.zero_grad()
        losses["loss"].backward()
        if step == 0:
            first = losses
            learned = [(n, p) for n, p in objective.network.named_parameters() if p.requires_grad]
            assert learned
            assert not [n for n, p in learned if p.grad is None]
        optimizer.step()
    assert losses["knob_mae"] < 0.5 * first["knob_mae"]
    assert losses["switch_accuracy"] > 0.9


def test_what_is_exported_hears_the_same(folder: Path, tmp_path: Path) -> None:
    objective = PresetObjective(training(folder))
    record = {"steps": 1, "minutes": 0.0, "device": "cpu", "processes": 1, "threads": 1,
              "precision": "fp32", "versions": {}, "command": "x", "validation": {}}  # fmt: skip
    objective.export(tmp_path, record)
    instrument = Preset.load(tmp_path)
    assert instrument.bank is not None
    assert instrument.index is not None
    assert len(instrument.index.names) == len(instrument.bank.names("sound")) >= 240
    with safe_open(tmp_path / "index.safetensors", "pt") as opened:
        assert opened.get_tensor("points").shape == (len(instrument.index.names), 8)
    tone = 0.3 * torch.sin(torch.arange(44100) * (2 * torch.pi * 220 / 44100))
    target = target_of(tone)
    with torch.no_grad():
        said = objective.network.eval().answer(target.heard, torch.tensor([target.pitch]))
    wanted = likeliest(instrument.timbre_space, said)[0]
    word = first_word(instrument.synth, instrument.network, target)
    # weights are kept in 16 bits
    torch.testing.assert_close(word.vector, wanted, atol=5e-3, rtol=0)
