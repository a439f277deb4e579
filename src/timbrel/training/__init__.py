"""Training: one loop for every family, and an objective for each."""

from timbrel.training.loop import Diverged, train
from timbrel.training.objective import Objective, Phase, TrainingSet
from timbrel.training.runs import run
from timbrel.training.settings import LogSettings, LoopSettings, TrainingSettings

__all__ = [
    "Diverged",
    "LogSettings",
    "LoopSettings",
    "Objective",
    "Phase",
    "TrainingSet",
    "TrainingSettings",
    "run",
    "train",
]
