"""Two short ways in: from a config to a set, and from a sound file to the knobs behind it.

    DataGenerator(config_path="configs/presets-subtractive.toml").process_batch()
    SynthModeler.load("preset-subtractive").predict_parameters("guitar_sample.wav")

Behind the first stands `data.presets.building.build_presets`, behind the second the family
`preset`, which can do more.
"""

from __future__ import annotations

from pathlib import Path

import torch

from timbrel.audio import read_audio, require_sound
from timbrel.config import read_settings
from timbrel.data.presets.building import PresetReport, build_presets
from timbrel.data.presets.plan import PresetSetSettings
from timbrel.errors import BadModel
from timbrel.instruments import load
from timbrel.instruments.preset import Preset
from timbrel.progress import Progress


class DataGenerator:
    """Makes a set of patches and of what is heard of them.

    Args:
        config_path: a TOML file with `PresetSetSettings`.
        out: folder of the set; data/presets/NAME of the synthesizer by default.

    Raises:
        BadConfig: the file is missing, or a setting in it is unknown or does not fit.
    """

    def __init__(self, config_path: str | Path, out: str | Path | None = None) -> None:
        self.settings = read_settings(PresetSetSettings, config_path)
        self.out = Path(out or Path("data/presets") / Path(self.settings.synth).stem)

    def process_batch(
        self, *, processes: int | None = None, progress: Progress | None = None
    ) -> PresetReport:
        """Render and hear all patches; a call that was stopped is finished by the same call."""
        return build_presets(self.out, self.settings, processes=processes, progress=progress)


class SynthModeler:
    """A model that predicts the knobs of a synthesizer from a sound.

    Args:
        instrument: of the family `preset`.
    """

    def __init__(self, instrument: Preset) -> None:
        self.instrument = instrument

    @classmethod
    def load(cls, model: str | Path) -> SynthModeler:
        """A model by name, or from its folder.

        Raises:
            BadModel: there is none, or it is of another family.
        """
        instrument = load(model)
        if not isinstance(instrument, Preset):
            raise BadModel(f"{model} is of family {instrument.family}, wanted one of preset")
        return cls(instrument)

    def predict_parameters(
        self, sound: str | Path, *, seconds: float = 0.0, pitch: float | None = None, seed: int = 0
    ) -> dict[str, float]:
        """The knobs by name, in their units, that make a recorded note.

        Args:
            sound: a sound file.
            seconds: for a search beyond the network's word.
            pitch: MIDI number of the key; by default what is heard.
            seed: of what the search tries.

        Raises:
            BadAudio: the sound cannot be read, or is silent.
        """
        rate = self.instrument.sample_rate
        audio = require_sound(read_audio(Path(sound), rate), rate, name=str(sound))
        generator = torch.Generator().manual_seed(seed)
        vector = self.instrument.encode(audio, pitch=pitch, seconds=seconds, generator=generator)
        return self.instrument.synth.parameters.values(vector)
