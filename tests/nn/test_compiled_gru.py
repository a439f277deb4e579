"""A GRU without torch: torch's own is its oracle."""

import pytest
import torch

from timbrel.nn.compiled_gru import remember


@pytest.mark.parametrize("batch", [1, 3])
def test_a_sequence_is_remembered_as_torch_does(batch: int) -> None:
    torch.manual_seed(0)
    gru, asked = torch.nn.GRU(7, 20, batch_first=True), torch.randn(batch, 50, 7)
    with torch.no_grad():
        states = remember(gru, asked)
        torch.testing.assert_close(states, gru(asked)[0], atol=1e-5, rtol=0)
