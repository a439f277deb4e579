"""Family `preset`: the patch behind the sound (document 001). Timbre = patch of a synthesizer."""

from timbrel.instruments.preset.instrument import Preset, PresetNetwork, PresetSettings
from timbrel.instruments.preset.matching import Match

__all__ = ["Match", "Preset", "PresetNetwork", "PresetSettings"]
