"""The score on sounds whose middle is known: a sum of two, or one envelope on its way."""

import math

import pytest
import torch

from timbrel.evaluate.baselines import cross_fade
from timbrel.evaluate.one_sound import Ends, Explained, harmonic_levels_db, one_sound_score
from timbrel.units import midi_to_hz

SAMPLE_RATE = 16000


def formant_db(frequency_hz: float, centre_hz: float) -> float:
    """A hill 0.6 octaves wide on a floor at -50 dB."""
    return max(-6 * (math.log2(frequency_hz / centre_hz) / 0.6) ** 2, -50.0)


def note(level_db, pitch: float, seed: int, decay_per_s: float = 0.0) -> torch.Tensor:
    """Harmonics with given levels and random phases."""
    generator = torch.Generator().manual_seed(seed)
    f0_hz = midi_to_hz(pitch)
    times_s = torch.arange(SAMPLE_RATE) / SAMPLE_RATE
    order = torch.arange(1, int(7600 / f0_hz) + 1)
    levels = torch.tensor([10 ** (level_db(f0_hz * k) / 20) for k in order.tolist()])
    phases = 2 * math.pi * torch.rand(len(order), 1, generator=generator)
    partials = (2 * math.pi * f0_hz * order[:, None] * times_s + phases).sin()
    return (levels @ partials) * (-decay_per_s * times_s).exp()


def vowel(centre_hz: float, pitch: float, seed: int, decay_per_s: float = 0.0) -> torch.Tensor:
    return note(lambda f: formant_db(f, centre_hz), pitch, seed, decay_per_s)


@pytest.mark.parametrize("pitch", [45.0, 60.0, 69.0])
def test_a_cross_fade_scores_clearly_worse_than_a_morph(pitch):
    a, b = vowel(500, pitch, 0), vowel(2500, pitch, 1)
    ends = Ends(a, b, SAMPLE_RATE, pitch)
    moved = one_sound_score([ends.explain(vowel(math.sqrt(500 * 2500), pitch, 2))])
    mixed = note(lambda f: (formant_db(f, 500) + formant_db(f, 2500)) / 2, pitch, 3)
    faded = [
        one_sound_score([ends.explain(sound)])
        for sound in cross_fade(a, b, torch.tensor([0.3, 0.5, 0.7]))
    ]
    assert max(faded) < 0.25
    assert moved > 0.6
    assert one_sound_score([ends.explain(mixed)]) > 0.9


def test_decays_count_too():
    """The same colour throughout; only how fast it dies away is between the ends."""
    a, b = vowel(900, 57.0, 0, decay_per_s=6.0), vowel(900, 57.0, 1, decay_per_s=0.5)
    between = vowel(900, 57.0, 2, decay_per_s=3.25)
    ends = Ends(a, b, SAMPLE_RATE, 57.0)
    assert one_sound_score([ends.explain(between)]) > 0.85
    [faded] = cross_fade(a, b, torch.tensor([0.5]))
    explained = ends.explain(faded)
    assert explained is not None
    assert explained.summed_db < 1.0


def test_ends_that_are_alike_tell_nothing():
    a, b = vowel(900, 60.0, 0), vowel(900, 60.0, 1)
    assert Ends(a, b, SAMPLE_RATE, 60.0).explain(a) is None
    assert math.isnan(one_sound_score([None]))
    assert math.isnan(one_sound_score([]))


def test_an_unrelated_sound_is_neither():
    ends = Ends(vowel(500, 60.0, 0), vowel(2500, 60.0, 1), SAMPLE_RATE, 60.0)
    explained = ends.explain(torch.randn(SAMPLE_RATE))
    assert explained is not None
    assert min(explained.summed_db, explained.moved_db) > 3.0
    assert one_sound_score([explained]) == pytest.approx(0.5, abs=0.2)


def test_errors_add_up_before_the_ratio():
    clear, vague = Explained(8.0, 2.0), Explained(0.1, 0.1)
    assert one_sound_score([clear, vague]) == pytest.approx(8.1 / 10.2)


def test_gain_does_not_count():
    a, b = vowel(500, 60.0, 0), vowel(2500, 60.0, 1)
    ends = Ends(a, b, SAMPLE_RATE, 60.0)
    ours, quieter = (ends.explain(gain * (a + b) / 2) for gain in (1.0, 0.01))
    assert ours is not None
    assert quieter is not None
    assert quieter.summed_db == pytest.approx(ours.summed_db, abs=0.05)


@pytest.mark.parametrize("pitch", [40.0, 60.0, 84.0])
def test_harmonic_levels_are_those_that_were_played(pitch):
    levels = harmonic_levels_db(note(lambda f: -f / 200, pitch, 0), SAMPLE_RATE, pitch)
    f0_hz = midi_to_hz(pitch)
    wanted = torch.tensor([-f0_hz * k / 200 for k in range(len(levels))])
    middle = levels[:, levels.shape[1] // 2]
    heard = wanted > -35
    assert float((middle - wanted)[heard].abs().max()) < 1.6  # half a bin's scalloping
