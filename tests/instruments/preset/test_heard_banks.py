"""Banks are heard once, and what was heard is found again or, damaged, heard anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from timbrel.errors import BadModel, SynthFailed
from timbrel.instruments.preset.heard_banks import heard_banks
from timbrel.instruments.preset.hearing.heard import hear
from timbrel.instruments.preset.index import PatchIndex
from timbrel.instruments.preset.network import PresetNetwork, PresetSettings
from timbrel.instruments.preset.rendering import rendered
from timbrel.sound import Notes
from timbrel.synths import Patch, Synth

PATCHES = [
    Patch("plain", f"slope {slope}", {"slope": slope, "wave": wave})
    for slope in (0.2, 1.0, 2.0) for wave in (0, 1)
]  # fmt: skip
BANKS = [("one", PATCHES[:4]), ("two", PATCHES[4:])]


@pytest.fixture(scope="module")
def network(synth: Synth) -> PresetNetwork:
    torch.manual_seed(0)
    return PresetNetwork(PresetSettings(size="tiny", latent=8), synth.parameters).eval()


@pytest.fixture
def played(synth: Synth, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many notes each render was asked for."""
    counts: list[int] = []
    render = type(synth).render

    def counted(self: Synth, patches: torch.Tensor, notes: Notes, *a: Any, **kw: Any):
        counts.append(len(notes))
        return render(self, patches, notes, *a, **kw)

    monkeypatch.setattr(type(synth), "render", counted)
    return counts


def test_a_bank_is_heard_once(
    synth: Synth, network: PresetNetwork, played: list[int], tmp_path: Path
) -> None:
    told: list[tuple[str, float, float]] = []
    first = heard_banks(synth, network, BANKS, tmp_path, lambda *said: told.append(said))
    assert first.names == tuple(patch.name for patch in PATCHES)
    assert told[-1] == ("hearing banks", 2, 2)
    assert len(list(tmp_path.iterdir())) == 2
    played.clear()
    again = heard_banks(synth, network, BANKS, tmp_path)
    assert played == []
    torch.testing.assert_close(again.points, first.points, atol=1e-3, rtol=0)
    torch.testing.assert_close(again.vectors, first.vectors)
    # a bank that is new is heard alone
    heard_banks(synth, network, [*BANKS, ("three", PATCHES[:1])], tmp_path)
    assert set(played) == {1}


def test_its_patches_are_found_by_their_sounds(
    synth: Synth, network: PresetNetwork, tmp_path: Path
) -> None:
    index = heard_banks(synth, network, BANKS, tmp_path)
    for number, vector in enumerate(index.vectors):
        sound = rendered(synth, vector[None], Notes.of(60.0, 0.8, 3.0))
        with torch.no_grad():
            assert number in index.nearest(network.point(hear(sound))[0], 2)


def test_what_was_kept_and_is_damaged_is_heard_again(
    synth: Synth, network: PresetNetwork, tmp_path: Path
) -> None:
    first = heard_banks(synth, network, BANKS, tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    again = heard_banks(synth, network, BANKS, tmp_path)
    torch.testing.assert_close(again.points, first.points, atol=1e-3, rtol=0)


@pytest.mark.parametrize("locked", ["to write", "to all"])
def test_where_nothing_can_be_kept_banks_are_heard_and_that_is_said_once(
    synth: Synth, network: PresetNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, locked: str,
) -> None:  # fmt: skip
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    first = heard_banks(synth, network, BANKS, tmp_path / "open")
    monkeypatch.setattr(Path, "mkdir", refuse)
    if locked == "to all":
        monkeypatch.setattr(Path, "is_dir", refuse)
        monkeypatch.setattr(Path, "is_file", refuse)
    index = heard_banks(synth, network, BANKS, tmp_path / "locked")
    monkeypatch.undo()
    torch.testing.assert_close(index.points, first.points)
    assert [record.message for record in caplog.records] == [
        f"what was heard of the banks cannot be kept: let {tmp_path / 'locked'} be written"
    ]
    assert not (tmp_path / "locked").exists()


@pytest.mark.parametrize("names", ["5", "null", '"ab"', '["a"]', "{}", "[" * 99_999])
def test_an_index_whose_names_are_none_is_refused(synth: Synth, tmp_path: Path, names: str) -> None:
    columns = {"vectors": torch.zeros(6, len(synth.parameters)), "points": torch.zeros(6, 64)}
    save_file(columns, tmp_path / "index", {"names": names})
    with pytest.raises(BadModel, match="train the model again"):
        PatchIndex.load(tmp_path / "index", synth.parameters, 64)


@pytest.mark.parametrize("name", ["vectors", "points"])
def test_an_index_of_numbers_that_are_not_finite_is_refused(
    synth: Synth, tmp_path: Path, name: str
) -> None:
    columns = {"vectors": torch.zeros(1, len(synth.parameters)), "points": torch.zeros(1, 8)}
    for number in (torch.nan, torch.inf):
        columns[name][0, 1] = number
        save_file(columns, tmp_path / "index", {"names": '["a"]'})
        with pytest.raises(BadModel, match=r"index holds NaN or infinity: train the model again"):
            PatchIndex.load(tmp_path / "index", synth.parameters, 8)


def test_patches_that_cannot_be_played_are_left_out(
    synth: Synth, network: PresetNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render, asked = type(synth).render, []

    def broken(self: Synth, patches: torch.Tensor, notes: Notes, **kw: Any):
        asked.extend(patches)
        for patch, audio in zip(patches, render(self, patches, notes, **kw).audio, strict=True):
            yield SynthFailed("it broke") if patch[0] == patch.new_tensor(1.0 / 3) else audio

    monkeypatch.setattr(type(synth), "render_each", broken)
    index = heard_banks(synth, network, BANKS, tmp_path)
    assert index.names == tuple(p.name for p in PATCHES if p.values["slope"] != 1.0)
    assert len(asked) == len(PATCHES) * len(asked[:: len(PATCHES)])  # what fails is asked once
