"""Preset sets of a plug-in, whose children render for several processes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from timbrel.data.presets.building import _typical, build_presets
from timbrel.data.presets.plan import (
    NoteSettings,
    PlannedPatch,
    PresetSetSettings,
    wholly_named,
)
from timbrel.data.presets.preset_set import PresetSet
from timbrel.errors import BadInput, BadModel, BadPatch
from timbrel.instruments import load as load_instrument
from timbrel.synths import load_synth
from timbrel.synths.amsynth import Amsynth
from timbrel.synths.files import write_patches

SHORT = NoteSettings(each=1, shortest_s=0.2, longest_s=0.5, held=0.0)


@pytest.mark.needs("amsynth")
def test_a_set_of_a_plug_in_is_the_same_here_and_in_another_process(tmp_path: Path) -> None:
    factory = dict(Amsynth().factory_banks())["amsynth_factory"]
    bank = tmp_path / "some.bank"
    write_patches(bank, factory[:8])
    notes = SHORT.model_copy(update={"each": 5})
    settings = PresetSetSettings(
        synth="amsynth", banks=(str(bank),), around=60, random=0, activity=0, notes=notes
    )
    reports = [build_presets(tmp_path / str(n), settings, processes=n) for n in (0, 1)]
    assert reports[0].origins == reports[1].origins
    assert reports[0].notes > 280
    here, there = (sorted((tmp_path / n / "parts").iterdir()) for n in ("0", "1"))
    assert len(here) == 3
    for one, other in zip(here, there, strict=True):
        assert one.read_bytes() == other.read_bytes()
    assert len(PresetSet(tmp_path / "1", "train").parameters) == 41


def test_how_much_is_heard_is_measured_all_over_the_banks() -> None:
    def patch(number: int, origin: str, split: str) -> PlannedPatch:
        return PlannedPatch("", torch.tensor([float(number)]), origin, "", "", 0, split)  # pyright: ignore[reportArgumentType]

    real = [patch(i, "real", "train" if i % 2 else "test") for i in range(40)]
    made = [patch(100 + i, "around", "train") for i in range(20)]
    assert [int(v) for v in _typical([*real, *made], 4)] == [1, 11, 21, 31]
    assert len(_typical([*real, *made], 100)) == 20
    assert [int(v) for v in _typical(made, 2)] == [100, 110]


ENTRY = {
    "name": "",
    "origin": "random",
    "bank": "",
    "category": "",
    "cluster": -1,
    "split": "train",
}
GOOD = {
    "mel": torch.zeros(1, 128, 345, dtype=torch.uint8), "curves": torch.zeros(1, 3, 345).half(),
    "vector": torch.zeros(1, 46), "patch": torch.zeros(1).long(), "pitch": torch.ones(1),
    "velocity": torch.ones(1), "held_s": torch.ones(1), "level_db": torch.zeros(1),
}  # fmt: skip


def written(folder: Path, part: dict[str, torch.Tensor], **files: str) -> Path:
    """A set of one note as it lies on disk, with some files or fields of others' making."""
    report = json.dumps({"patches": {"train": 1}, "origins": {"random": 1}, "heard_db": {}})
    texts = {"patches": json.dumps([ENTRY]), "report": report} | files
    for name, text in texts.items():
        (folder / f"{name}.json").write_text(text)
    (folder / "presets.toml").write_text('synth = "subtractive"')
    (folder / "parts").mkdir()
    save_file(part, folder / "parts/part-00000.safetensors")
    return folder


def test_a_set_on_disk_is_read(tmp_path: Path) -> None:
    assert len(PresetSet(written(tmp_path, GOOD), "train")) == 1


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"patches": "[" * 100_000}, "patches.json is not whole JSON"),
        ({"patches": "[5]"}, "patches.json is damaged"),
        ({"report": "[]"}, "report.json is damaged"),
        ({"report": "{}"}, r"report.json is damaged \(no patches\)"),
        ({"report": '{"patches": {}, "origins": {}, "heard_db": {"a": "b"}}'}, "no heard_db"),
    ],
)
def test_a_set_of_damaged_files_is_refused_in_one_line(
    tmp_path: Path, files: dict[str, str], line: str
) -> None:
    with pytest.raises(BadInput, match=f"{line}.*: build the set again"):
        PresetSet(written(tmp_path, GOOD, **files), "train")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        *((name, None) for name in GOOD),
        ("vector", torch.zeros(1, 47)), ("vector", torch.full((1, 46), torch.nan)),
        ("velocity", torch.ones(0)), ("pitch", torch.ones(2)), ("patch", torch.ones(1).long()),
        ("patch", torch.zeros(1)), ("mel", torch.zeros(1, 128, 344)), ("level_db", torch.ones(())),
    ],
)  # fmt: skip
def test_a_part_that_does_not_fit_is_refused_in_one_line(
    tmp_path: Path, name: str, field: torch.Tensor | None
) -> None:
    part = {key: column for key, column in GOOD.items() if key != name}
    part |= {} if field is None else {name: field}
    with pytest.raises(BadInput, match=r"part-00000.safetensors .*: delete it and build again"):
        PresetSet(written(tmp_path, part), "train")


@pytest.mark.parametrize(
    ("knob", "position"),
    [("cutoff_hz", -0.01), ("cutoff_hz", 1.01), ("osc_mix", 2.0), ("osc1_waveform", 99.0),
     ("osc1_waveform", 0.5)],
)  # fmt: skip
def test_a_knob_out_of_range_is_refused_by_its_name(
    tmp_path: Path, knob: str, position: float
) -> None:
    knobs = load_synth("subtractive").parameters
    vector = knobs.defaults[None].clone()
    vector[0, knobs.names.index(knob)] = position
    line = rf"part-00000.safetensors: knob {knob} is out of range: delete it and build again"
    with pytest.raises(BadInput, match=line):
        PresetSet(written(tmp_path, GOOD | {"vector": vector}), "train")


def test_a_set_that_names_another_synthesizer_than_its_own_is_refused(tmp_path: Path) -> None:
    report = '{"patches": {}, "origins": {}, "heard_db": {"osc_mix": 1.0, "osc2_range": 0.0}}'
    line = r"presets.toml names subtractive, which has no knob 'osc2_range' \(report.json has\): na"
    with pytest.raises(BadInput, match=line):
        PresetSet(written(tmp_path, GOOD, report=report), "train")


def test_a_part_of_silent_notes_alone_is_read(tmp_path: Path) -> None:
    folder = written(tmp_path, GOOD)
    none = {name: column[:0] for name, column in GOOD.items()}
    save_file(none, folder / "parts/part-00001.safetensors")
    assert len(PresetSet(folder, "train")) == 1


def test_a_set_without_parts_is_refused_in_one_line(tmp_path: Path) -> None:
    (written(tmp_path, GOOD) / "parts/part-00000.safetensors").unlink()
    with pytest.raises(BadInput, match=r"holds no part-.*: build the set again"):
        PresetSet(tmp_path, "train")


@pytest.mark.parametrize("name", ["report.json", "patches.json", "parts/part-00000.safetensors"])
def test_a_pipe_in_a_set_is_not_waited_for(tmp_path: Path, name: str) -> None:
    place = written(tmp_path, GOOD) / name
    place.unlink()
    os.mkfifo(place)
    with pytest.raises(BadInput, match="is a pipe or a device"):
        PresetSet(tmp_path, "train")


def test_a_bank_without_a_name_is_not_the_folder_where_one_stands() -> None:
    with pytest.raises(BadPatch, match="a bank's name is empty"):
        build_presets("out", PresetSetSettings(banks=("",), random=0), processes=0)


def test_fewer_processes_than_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="processes is -1"):
        build_presets(tmp_path / "set", PresetSetSettings(random=2), processes=-1)


@pytest.mark.parametrize("path", ["parts/evil.so", "/proc/self/cwd/evil.so", "//host/evil.vst3"])
def test_a_set_or_a_model_of_somebody_loads_no_file_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def loads(_self: object, path: str) -> None:
        pytest.fail(f"{path} was loaded")

    monkeypatch.setattr("timbrel.synths.plugin.Plugin.__init__", loads)
    folder = written(tmp_path, GOOD)
    (folder / "presets.toml").write_text(f'synth = "{path}"')
    line = rf"presets.toml names the plug-in '{path}', which nobody has loaded here: if you trust"
    with pytest.raises(BadInput, match=line):
        PresetSet(folder, "train")
    (folder / "config.toml").write_text(f'family = "preset"\nformat = 1\nmodel.synth = "{path}"')
    with pytest.raises(BadModel, match=rf"config.toml names the plug-in '{path}', which nobody"):
        load_instrument(folder)


def test_a_plug_in_that_was_loaded_by_its_path_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("timbrel.synths.plugin.Plugin.__init__", lambda *_: None)
    load_synth("plug_ins/mine.vst3")
    load_synth("plug_ins/mine.vst3")
    whole = wholly_named(PresetSetSettings(synth="plug_ins/mine.vst3")).synth
    assert whole == str(tmp_path / "plug_ins/mine.vst3")
    assert (tmp_path / "data/timbrel/plug-ins.txt").read_text() == f"{whole}\n"
    load_synth(whole, told_by=tmp_path / "config.toml")
    with pytest.raises(BadInput, match="nobody has loaded here"):
        load_synth("plug_ins/other.vst3", told_by=tmp_path / "config.toml")
    assert wholly_named(PresetSetSettings()).synth == "subtractive"


def test_a_set_lies_in_no_folder_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot write .*: choose another folder"):
        build_presets(tmp_path / "a\0b", PresetSetSettings(banks=(), random=1), processes=0)


def test_a_part_that_is_damaged_is_made_again(tmp_path: Path) -> None:
    settings = PresetSetSettings(banks=(), random=3, activity=0, notes=SHORT)
    build_presets(tmp_path, settings, processes=0)
    part = tmp_path / "parts/part-00000.safetensors"
    whole = part.read_bytes()
    flipped = whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:]
    for damaged in (whole[: len(whole) // 2], flipped):
        part.write_bytes(damaged)
        build_presets(tmp_path, settings, processes=0)
        assert part.read_bytes() == whole


def test_a_set_whose_report_tells_no_checksums_is_built_again(tmp_path: Path) -> None:
    settings = PresetSetSettings(banks=(), random=3, activity=0, notes=SHORT)
    build_presets(tmp_path, settings, processes=0)
    report = tmp_path / "report.json"
    whole = report.read_bytes()
    report.write_text('{"patches": {}, "origins": {}, "heard_db": {}, "sha256": [1]}')
    build_presets(tmp_path, settings, processes=0)
    assert report.read_bytes() == whole


def test_a_part_is_as_large_however_many_notes_a_patch_has(tmp_path: Path) -> None:
    many = SHORT.model_copy(update={"each": 64})
    settings = PresetSetSettings(banks=(), random=5, activity=0, notes=many)
    build_presets(tmp_path, settings, processes=0)
    assert len(list((tmp_path / "parts").iterdir())) == 3
