import pytest
import torch

from timbrel.errors import BadInput
from timbrel.sound import TimbreSpace
from timbrel.timbre import alphas, morph, pad, pad_weights, path_weights

SPACE = TimbreSpace.gaussian(16)


def test_alphas():
    assert alphas(9).tolist() == [i / 8 for i in range(9)]
    assert alphas(1).tolist() == [0.5]
    with pytest.raises(BadInput, match="a morph of 0 steps: wanted 1 to 4096"):
        alphas(0)


@pytest.mark.parametrize("alpha", [-0.01, 1.5, float("nan")])
def test_alpha_out_of_range(alpha):
    with pytest.raises(BadInput, match=r"is outside 0 \(all A\) to 1 \(all B\)"):
        path_weights(torch.tensor([0.5, alpha]))


@pytest.mark.parametrize("corners", [2, 3, 4])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 9), (9, 9), (2, 7)])
def test_pad_weights_are_a_mixture(rows, columns, corners):
    weights = pad_weights(rows, columns, corners)
    assert weights.shape == (rows, columns, corners)
    assert bool((weights >= 0).all())
    assert torch.allclose(weights.sum(-1), torch.ones(rows, columns))


def test_a_pads_corners_are_its_sounds_to_the_bit():
    a, b, c, d = sounds = torch.randn(4, 16)
    for path in ("linear", "spherical"):
        cells = pad(SPACE, list(sounds), 5, 7, path)
        assert torch.equal(cells[0, 0], a)
        assert torch.equal(cells[0, -1], b)
        assert torch.equal(cells[-1, 0], c)
        assert torch.equal(cells[-1, -1], d)
    cells = pad(SPACE, [a, b, c], 5, 7)
    assert torch.equal(cells[0, -1], b)
    assert torch.equal(cells[-1, 3], c)


def test_bilinear_weights_by_hand():
    weights = pad_weights(3, 5)
    assert weights[1, 1].tolist() == [0.375, 0.125, 0.375, 0.125]


def test_a_morph_passes_through_every_sound():
    sounds = list(torch.randn(3, 16))
    path = morph(SPACE, sounds, 9, "spherical")
    assert torch.equal(path[0], sounds[0])
    assert torch.equal(path[4], sounds[1])
    assert torch.equal(path[8], sounds[2])
    linear = morph(SPACE, sounds[:2], 5)
    assert torch.allclose(linear[1], 0.75 * sounds[0] + 0.25 * sounds[1])


def test_a_spherical_middle_is_as_long_as_its_ends():
    a, b = torch.randn(2, 16)
    middle = morph(SPACE, [a, b], 3, "spherical")[1]
    assert float(middle.norm()) == pytest.approx(float((a.norm() + b.norm()) / 2), rel=1e-5)


@pytest.mark.parametrize("count", [1, 5])
def test_two_to_four_corners(count):
    with pytest.raises(BadInput, match="wanted 2, 3 or 4"):
        morph(SPACE, [torch.zeros(16)] * count, 3)
    with pytest.raises(BadInput, match="wanted 2, 3 or 4"):
        pad(SPACE, [torch.zeros(16)] * count, 3, 3)


def test_pads_have_bounds():
    with pytest.raises(BadInput, match="a pad of 0 x 3"):
        pad_weights(0, 3)
    with pytest.raises(BadInput, match="a pad of 100 x 100"):
        pad_weights(100, 100)
