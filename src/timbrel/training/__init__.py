"""Training: one loop for every family, and an objective for each."""

from timbrel.training.objective import Objective, Phase, TrainingSet
from timbrel.training.running.loop import Diverged, train
from timbrel.training.runs import bank_again, run
from timbrel.training.settings import LogSettings, LoopSettings, TrainingSettings

__all__ = [
    "Diverged",
    "LogSettings",
    "LoopSettings",
    "Objective",
    "Phase",
    "TrainingSet",
    "TrainingSettings",
    "bank_again",
    "run",
    "train",
]
