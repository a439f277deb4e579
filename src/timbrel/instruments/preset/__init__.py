"""Family `preset`: the patch behind the sound. Timbre = patch of a synthesizer."""

from timbrel.instruments.preset.feedback.judgement import Judgement
from timbrel.instruments.preset.feedback.store import FeedbackStore
from timbrel.instruments.preset.feedback.taste import Opinions
from timbrel.instruments.preset.finding import PatchFinder
from timbrel.instruments.preset.instrument import Preset
from timbrel.instruments.preset.matching.candidates import Match
from timbrel.instruments.preset.network import PresetNetwork, PresetSettings

__all__ = [
    "FeedbackStore",
    "Judgement",
    "Match",
    "Opinions",
    "PatchFinder",
    "Preset",
    "PresetNetwork",
    "PresetSettings",
]
