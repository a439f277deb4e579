"""The two front doors, by the names that users know them by."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from timbrel.audio import write_audio
from timbrel.errors import BadModel
from timbrel.instruments.preset import Preset, PresetSettings
from timbrel.modeler import DataGenerator, SynthModeler


def test_a_config_becomes_a_set(tmp_path: Path) -> None:
    config = tmp_path / "data_config.toml"
    config.write_text("banks = []\nrandom = 3\nactivity = 0\n[notes]\neach = 1\n", encoding="utf-8")
    generator = DataGenerator(config_path=str(config), out=tmp_path / "set")
    report = generator.process_batch(processes=0)
    assert report.notes + report.silent == 3
    assert (tmp_path / "set" / "report.json").is_file()


def test_a_sound_becomes_knobs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    Preset(PresetSettings(size="tiny", latent=8, point=4)).save(tmp_path / "v3")
    tone = 0.3 * torch.sin(torch.arange(22050) * (2 * torch.pi * 220 / 44100))
    sound = write_audio(tmp_path / "guitar_sample.wav", tone, 44100)
    model = SynthModeler.load(tmp_path / "v3")
    knobs = model.predict_parameters(sound)
    assert tuple(knobs) == model.instrument.synth.parameters.names
    assert 40.0 <= knobs["cutoff_hz"] <= 16000.0
    assert knobs["osc1_waveform"] in range(6)


def test_a_model_of_another_family_is_refused() -> None:
    with pytest.raises(BadModel, match="sine is of family sine, wanted one of preset"):
        SynthModeler.load("sine")
