from __future__ import annotations

import pytest
import torch

from timbrel.nn import Down, Up
from timbrel.nn.conv import Refine


def make_up(frames: bool = True) -> Up:
    return Up(8, 4, n_condition=5, n_band_features=3, n_frame_features=2, frames=frames)


def up_inputs(h: int, w: int, frames: bool) -> tuple[torch.Tensor, ...]:
    w2 = 2 * w if frames else w
    shapes = (2, 8, h, w), (2, 5), (2, 3, 2 * h), (2, 2, w2)
    return tuple(torch.randn(shape) for shape in shapes)


@pytest.mark.parametrize(("h", "w"), [(80, 256), (10, 16), (2, 2)])
def test_down_halves_bands_and_frames(h: int, w: int) -> None:
    assert Down(2, 8)(torch.randn(3, 2, h, w)).shape == (3, 8, h // 2, w // 2)


@pytest.mark.parametrize("frames", [True, False])
@pytest.mark.parametrize(("h", "w"), [(5, 16), (1, 1), (40, 3)])
def test_up_doubles_bands_and_frames_where_told(h: int, w: int, frames: bool) -> None:
    inputs = up_inputs(h, w, frames)
    assert make_up(frames)(*inputs).shape == (2, 4, 2 * h, 2 * w if frames else w)


def test_refining_adds_to_what_is_there() -> None:
    refine = Refine(8)
    torch.nn.init.zeros_(refine.conv.weight)
    x = torch.randn(2, 8, 5, 7)
    assert torch.equal(refine(x), x)


def test_all_that_a_block_is_told_changes_what_it_says_and_gets_gradients() -> None:
    up, inputs = make_up(), [x.requires_grad_() for x in up_inputs(5, 4, True)]
    up(*inputs).square().sum().backward()
    for told in (*inputs, *up.parameters()):
        assert told.grad is not None
        assert float(told.grad.abs().sum()) > 0


def test_the_film_of_a_note_touches_no_other_note() -> None:
    up, (x, condition, bands, frames) = make_up(), up_inputs(5, 4, True)
    other = condition.clone()
    other[1] += 1
    before, after = (up(x, c, bands, frames) for c in (condition, other))
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])


def test_bands_and_frames_are_told_to_their_own_axis() -> None:
    """With all else silent, a band's feature adds to its row alone, a frame's to its column."""
    up = make_up()
    for silent in (up.enlarge, up.conv):
        torch.nn.init.zeros_(silent.weight)
        torch.nn.init.zeros_(silent.bias)
    x, condition, bands, frames = (torch.zeros_like(t) for t in up_inputs(3, 4, True))
    quiet = up(x, condition, bands, frames)
    bands[0, :, 2] = 1.0
    assert (up(x, condition, bands, frames) - quiet)[0].abs().sum((0, 2)).nonzero().tolist() == [
        [2]
    ]
    bands.zero_()
    frames[0, :, 5] = 1.0
    assert (up(x, condition, bands, frames) - quiet)[0].abs().sum((0, 1)).nonzero().tolist() == [
        [5]
    ]
