"""What all tests of `subtractive` play."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from timbrel.synths.subtractive import PARAMETERS, Subtractive


@pytest.fixture(scope="session")
def synth() -> Subtractive:
    return Subtractive()


@pytest.fixture(scope="session")
def patches() -> Tensor:
    """Random ones, all knobs varied."""
    return PARAMETERS.space.sample(20, generator=torch.Generator().manual_seed(1))
