"""Wishes in words, and what is said of a sound."""

from __future__ import annotations

import math

import pytest
import torch

from timbrel.errors import BadInput
from timbrel.instruments.preset.hearing.descriptors import DESCRIPTORS, describe
from timbrel.instruments.preset.hearing.heard import hear
from timbrel.instruments.preset.wishes import WORDS, wish_of

NAMES = [descriptor.name for descriptor in DESCRIPTORS]
RATE = 44100


def asked(text: str) -> dict[str, float]:
    steps = zip(NAMES, wish_of(text).tolist(), strict=True)
    return {name: round(step, 3) for name, step in steps if step}


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("brighter", {"brightness": 1.0}),
        ("more bright", {"brightness": 1.0}),
        ("LESS bright", {"brightness": -1.0}),
        ("like this but softer", {"brightness": -0.8, "attack": 0.6}),
        ("make it a bit darker and much longer", {"brightness": -0.5, "tail": 2.0}),
        ("more percussive", {"decay": 0.9, "attack": -0.5}),
        ("less bass, more movement", {"bass": -1.0, "movement": 1.0}),
        ("longer release", {"tail": 1.0}),
        ("much slower attack and shorter decay", {"attack": 2.0, "decay": 1.0}),
        ("BRIGHTER! Less bass.", {"brightness": 1.0, "bass": -1.0}),
        ("slightly less noisy, quicker", {"noisiness": -0.5, "attack": -1.0}),
    ],
)
def test_words_are_steps(text: str, steps: dict[str, float]) -> None:
    assert asked(text) == steps


def test_every_word_is_known_and_moves_something() -> None:
    for word in WORDS:
        assert asked(word.positive) == asked(word.comparative) != {}
        assert set(word.steps) <= set(NAMES)


@pytest.mark.parametrize("text", ["", "   ", "but", "brihgter", "brighter darker", "more"])
def test_what_is_not_understood_is_said(text: str) -> None:
    with pytest.raises(BadInput, match=r"say|mean"):
        wish_of(text)


@pytest.mark.parametrize("text", ["louder", "less loud", "brighter but quieter"])
def test_loudness_is_no_wish(text: str) -> None:
    with pytest.raises(BadInput, match="no change of timbre"):
        wish_of(text)


def test_a_misspelt_word_is_guessed() -> None:
    with pytest.raises(BadInput, match="do you mean brighter"):
        wish_of("brihgter")


def described(sound: torch.Tensor, held_s: float = 1.0) -> dict[str, float]:
    return dict(
        zip(NAMES, describe(hear(sound[None]), torch.tensor([held_s]))[0].tolist(), strict=True)
    )


def tone(f0_hz: float, seconds: float = 1.0) -> torch.Tensor:
    return torch.sin(torch.arange(round(seconds * RATE)) * (2 * math.pi * f0_hz / RATE))


def test_descriptors_say_what_their_names_say() -> None:
    noise = torch.randn(RATE, generator=torch.Generator().manual_seed(0))
    time_s = torch.arange(RATE) / RATE
    plain, high = described(tone(220.0)), described(tone(1760.0))
    assert high["brightness"] - plain["brightness"] == pytest.approx(3.0, abs=0.3)
    assert described(tone(110.0))["bass"] - high["bass"] > 30
    assert described(noise)["noisiness"] > plain["noisiness"] + 0.5
    assert described(noise)["richness"] > plain["richness"] + 3
    assert described(tone(220.0) * time_s.clamp(max=0.5))["attack"] > plain["attack"] + 2
    assert described(tone(220.0) * (-8 * time_s).exp())["decay"] > plain["decay"] + 15
    shaken = tone(220.0) * (1 + 0.8 * torch.sin(2 * math.pi * 5 * time_s))
    assert described(shaken)["movement"] > plain["movement"] + 1
    assert described(tone(220.0, 3.0))["tail"] > plain["tail"] + 2


def test_descriptors_know_no_level() -> None:
    quiet, loud = (describe(hear(level * tone(220.0)[None]), torch.ones(1)) for level in (0.01, 1))
    torch.testing.assert_close(quiet, loud, atol=1e-3, rtol=1e-3)
