import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from timbrel.config import make_settings
from timbrel.dsp.envelope import Adsr, adsr, fade
from timbrel.errors import BadConfig, BadInput

RATE = 16000


@pytest.mark.parametrize("curve", ["linear", "exponential"])
def test_breakpoints_fall_on_exact_samples(curve):
    shape = Adsr(attack_s=0.01, decay_s=0.1, sustain=0.25, release_s=0.05)
    envelope = adsr(1.0, RATE, shape, curve=curve)
    assert envelope[0] == 0
    assert envelope[160] == 1
    assert envelope[159] < 1
    assert envelope[161] < 1
    assert envelope[1760] == pytest.approx(0.25, abs=1e-7)
    assert envelope[1759] > 0.25
    assert envelope[16000] == pytest.approx(0.25, abs=1e-7)
    assert envelope[16001] < 0.25
    assert envelope[16800] == 0
    assert len(envelope) == 16801


def test_a_key_released_in_the_attack_falls_from_where_it_was():
    envelope = adsr(0.05, RATE, Adsr(attack_s=0.1, release_s=0.1))
    assert envelope.argmax() == 800
    assert envelope.max() == pytest.approx(0.5)
    assert envelope[-1] == 0


def test_an_exponential_segment_follows_the_capacitor():
    shape = Adsr(attack_s=0.0, decay_s=0.5, sustain=0.0, release_s=0.0)
    envelope = adsr(1.0, RATE, shape, curve="exponential")
    halfway = (math.exp(-2.5) - math.exp(-5)) / (1 - math.exp(-5))
    assert envelope[4000] == pytest.approx(halfway, abs=1e-6)


def test_a_batch_equals_singles():
    held = torch.tensor([[0.1, 0.5], [0.0, 0.31]])
    together = adsr(held, RATE, length=12000)
    alone = torch.stack([adsr(float(h), RATE, length=12000) for h in held.flatten()])
    assert together.shape == (2, 2, 12000)
    assert torch.equal(together.reshape(4, -1), alone)


@given(st.floats(0, 0.3), st.floats(0, 0.3), st.floats(0, 1), st.floats(0, 0.3), st.floats(0, 1))
def test_levels_stay_between_0_and_1(attack, decay, sustain, release, held):
    shape = Adsr(attack_s=attack, decay_s=decay, sustain=sustain, release_s=release)
    envelope = adsr(held, 1000, shape)
    assert envelope.min() >= 0
    assert envelope.max() <= 1
    assert envelope[-1] == 0


def test_bad_times_are_refused_in_one_line():
    with pytest.raises(BadConfig, match=r"attack_s = -1: .* greater than or equal to 0$"):
        make_settings(Adsr, {"attack_s": -1})
    with pytest.raises(BadConfig, match=r"release_s = inf: .* finite number$"):
        make_settings(Adsr, {"release_s": math.inf})
    with pytest.raises(BadConfig, match=r"sustain = 2: .* less than or equal to 1$"):
        make_settings(Adsr, {"sustain": 2})
    with pytest.raises(BadInput, match="envelope: held_s"):
        adsr(math.nan, RATE)


def test_fades_leave_the_middle_alone():
    audio = torch.randn(2, 16000)
    faded = fade(audio, RATE, in_s=0.1, out_s=0.2)
    assert torch.equal(faded[:, 1600:12800], audio[:, 1600:12800])
    assert faded[:, 0].abs().max() == 0
    assert faded[:, -1].abs().max() == 0
    assert torch.allclose(faded[:, 800], audio[:, 800] / 2)


def test_a_fade_longer_than_the_sound_is_cut_to_it():
    assert fade(torch.ones(10), RATE, in_s=1.0)[-1] == pytest.approx(1, abs=0.05)
