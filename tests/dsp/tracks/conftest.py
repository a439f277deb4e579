"""Notes that several tests share; lets them import `made`."""

import sys
from pathlib import Path

import pytest
import torch

from timbrel.dsp.tracks import Tracks

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def random_notes() -> Tracks:
    """Three notes of 0.2 s whose every curve moves, some of it silent."""
    generator = torch.Generator().manual_seed(3)

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(3, *shape, generator=generator)

    harmonic_db = -20 - 40 * rand(41, 12)
    harmonic_db[:, :, 5] = -120.0
    harmonic_db[:, 20:, 7] = -120.0
    pitch_hz = torch.tensor([110.0, 440.0, 1600.0])[:, None]
    return Tracks(
        frame_rate=200.0,
        f0_hz=pitch_hz * (1 + 0.05 * rand(41)),
        harmonic_db=harmonic_db,
        offset=torch.tensor([0.0, 1.0, 1.0])[:, None] * (rand(12) - 0.5),
        noise_db=-40 - 20 * rand(41, 40),
        transient_db=-30 - 20 * rand(64, 40),
    )
