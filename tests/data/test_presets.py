"""Preset sets of a plug-in, whose children render for several processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from timbrel.data.presets.building import _typical, build_presets
from timbrel.data.presets.plan import NoteSettings, PlannedPatch, PresetSetSettings
from timbrel.data.presets.preset_set import PresetSet
from timbrel.errors import BadInput, BadPatch
from timbrel.synths.amsynth import Amsynth
from timbrel.synths.files import write_patches

SHORT = NoteSettings(each=1, shortest_s=0.2, longest_s=0.5, held=0.0)


@pytest.mark.needs("amsynth")
def test_a_set_of_a_plug_in_is_the_same_here_and_in_another_process(tmp_path: Path) -> None:
    factory = dict(Amsynth().factory_banks())["amsynth_factory"]
    bank = tmp_path / "some.bank"
    write_patches(bank, factory[:8])
    settings = PresetSetSettings(
        synth="amsynth", banks=(str(bank),), around=60, random=0, activity=0, notes=SHORT
    )
    reports = [build_presets(tmp_path / str(n), settings, processes=n) for n in (0, 1)]
    assert reports[0].origins == reports[1].origins
    assert reports[0].notes > 55
    for number in range(2):
        part = Path("parts") / f"part-{number:05d}.safetensors"
        assert (tmp_path / "0" / part).read_bytes() == (tmp_path / "1" / part).read_bytes()
    assert len(PresetSet(tmp_path / "1", "train").parameters) == 41


def test_how_much_is_heard_is_measured_all_over_the_banks() -> None:
    def patch(number: int, origin: str, split: str) -> PlannedPatch:
        return PlannedPatch("", torch.tensor([float(number)]), origin, "", "", 0, split)  # pyright: ignore[reportArgumentType]

    real = [patch(i, "real", "train" if i % 2 else "test") for i in range(40)]
    made = [patch(100 + i, "around", "train") for i in range(20)]
    assert [int(v) for v in _typical([*real, *made], 4)] == [1, 11, 21, 31]
    assert len(_typical([*real, *made], 100)) == 20
    assert [int(v) for v in _typical(made, 2)] == [100, 110]


@pytest.mark.parametrize(
    ("patches", "line"), [("[" * 100_000, "patches.json cannot be read"), ("[]", "holds no part-")]
)
def test_a_damaged_set_is_refused_in_one_line(tmp_path: Path, patches: str, line: str) -> None:
    (tmp_path / "patches.json").write_text(patches)
    (tmp_path / "report.json").write_text("{}")
    (tmp_path / "presets.toml").write_text('synth = "subtractive"')
    with pytest.raises(BadInput, match=f"{line}.*: build the set again"):
        PresetSet(tmp_path, "train")


def test_a_bank_without_a_name_is_not_the_folder_where_one_stands() -> None:
    with pytest.raises(BadPatch, match="a bank's name is empty"):
        build_presets("out", PresetSetSettings(banks=("",), random=0), processes=0)


def test_fewer_processes_than_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="processes is -1"):
        build_presets(tmp_path / "set", PresetSetSettings(random=2), processes=-1)
