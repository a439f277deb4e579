import pytest
import torch

from timbrel.errors import BadInput
from timbrel.timbre.directions import class_weights, mean_timbres, measure_direction


@pytest.fixture
def world():
    """400 timbres in which one axis is brightness, one is pitch, the others noise."""
    generator = torch.Generator().manual_seed(1)
    timbres = torch.randn(400, 12, generator=generator)
    pitch = torch.randn(400, generator=generator)
    timbres[:, 1] += 3 * pitch
    bright = timbres[:, 0] + 2 * pitch + 0.1 * torch.randn(400, generator=generator)
    return timbres, bright, pitch


@pytest.mark.parametrize("shrinkage", [0.0, 1.0, 1e6])
def test_finds_the_axis_and_not_pitch(world, shrinkage):
    timbres, bright, pitch = world
    direction = measure_direction(timbres, bright, beside=pitch[:, None], shrinkage=shrinkage)
    unit = direction / direction.norm()
    assert float(unit[0]) > 0.97
    assert abs(float(unit[1])) < 0.15


def test_pitch_leaks_in_where_it_is_not_taken_out(world):
    timbres, bright, _ = world
    direction = measure_direction(timbres, bright, shrinkage=1e6)
    assert float((direction / direction.norm())[1]) > 0.5


def test_is_one_standard_deviation_long():
    timbres = torch.randn(5000, 3) * torch.tensor([4.0, 1.0, 1.0])
    direction = measure_direction(timbres, timbres[:, 0], shrinkage=0.0)
    assert float(direction.norm()) == pytest.approx(4.0, rel=0.05)


def test_two_classes_agree_with_fishers_discriminant():
    """Second implementation: within-class scatter, solved by numpy-style algebra."""
    mixing = torch.randn(6, 6)
    timbres = torch.randn(600, 6) @ mixing
    has = (torch.arange(600) % 2).float()
    timbres[has == 1] += torch.randn(6)
    direction = measure_direction(timbres, has, shrinkage=0.0)
    classes = [timbres[has == label] for label in (0, 1)]
    within = sum(torch.cov(c.T) for c in classes)
    fisher = torch.linalg.solve(within, classes[1].mean(0) - classes[0].mean(0))
    assert float(torch.cosine_similarity(direction, fisher, dim=0)) > 0.999


def test_much_shrinkage_is_the_difference_of_means():
    timbres = torch.randn(300, 5) * torch.tensor([5.0, 1, 1, 1, 1])
    has = (torch.arange(300) % 3 == 0).float()
    timbres[has == 1] += torch.tensor([1.0, 2, 0, 0, 0])
    direction = measure_direction(timbres, has, shrinkage=1e9)
    means = timbres[has == 1].mean(0) - timbres[has == 0].mean(0)
    assert float(torch.cosine_similarity(direction, means, dim=0)) > 0.9999


def test_weights_repeat_notes():
    timbres, amount = torch.randn(40, 4), torch.randn(40)
    twice = torch.cat([timbres, timbres[:10]]), torch.cat([amount, amount[:10]])
    weights = torch.ones(40)
    weights[:10] = 2
    assert torch.allclose(
        measure_direction(*twice), measure_direction(timbres, amount, weights=weights), atol=1e-6
    )


def test_means():
    timbres = torch.tensor([[1.0, 0], [3, 0], [0, 5]])
    means = mean_timbres(timbres, ["string", "string", "reed"])
    assert {name: mean.tolist() for name, mean in means.items()} == {
        "reed": [0, 5],
        "string": [2, 0],
    }
    assert list(means) == ["reed", "string"]
    assert class_weights([3, 3, 4]).tolist() == [0.5, 0.5, 1]


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(BadInput, match="a direction from 3 notes: wanted 8"):
        measure_direction(torch.randn(3, 2), torch.randn(3))
    with pytest.raises(BadInput, match="all notes have the same amount"):
        measure_direction(torch.randn(20, 2), torch.ones(20))
    with pytest.raises(BadInput, match="2 labels for 3 timbres"):
        mean_timbres(torch.zeros(3, 2), ["a", "b"])
