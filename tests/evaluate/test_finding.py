import pytest
import torch

from timbrel.evaluate import find_directions, ship_directions
from timbrel.instruments.sine import Sine
from timbrel.timbre import Bank


@pytest.fixture(scope="module")
def found(sine_folder):
    from timbrel.data import NoteSet

    return find_directions(Sine(), NoteSet.open(sine_folder), notes=28)


def test_brightness_is_found_in_the_upper_harmonics(found):
    bright = found["bright"].timbre
    assert float(bright[3]) > 0 > float(bright[0])
    assert torch.allclose(found["dark"].timbre, -bright, atol=1e-6)
    assert found["bright"].kind == "direction"


def test_only_what_holds_is_shipped(found, sines):
    bank = Bank("m")
    bank.add("violin", torch.ones(4))
    bank.add("dark", torch.zeros(4), "direction", "the one from training")
    bank.add("mystery", torch.ones(4), "direction")
    tried = {"bright": found["bright"], "dark": found["bright"]}  # the second goes the wrong way
    figures = ship_directions(Sine(), bank, tried, sines, notes=6)
    assert bank.names("direction") == ("bright",)
    assert "violin" in bank
    assert bank.lookup("bright").about.startswith("100% of held-out notes, by ")
    assert figures["bright_share"] == 1.0
    assert figures["dark_share"] == 0.0
