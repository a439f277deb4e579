import dataclasses
import math

import pytest
import torch

from timbrel.data.notes.amounts import AMOUNTS
from timbrel.errors import BadInput
from timbrel.evaluate import direction_figures
from timbrel.evaluate.directions import choose_notes
from timbrel.evaluate.sources import SourceJudge
from timbrel.instruments.sine import Sine
from timbrel.timbre import Bank

SAMPLE_RATE = 16000
TIMES_S = torch.arange(round(2.5 * SAMPLE_RATE)) / SAMPLE_RATE
HOLD_S = torch.tensor([1.5])


def tone(frequency_hz: float = 220.0, harmonics=(1.0, 0.5)) -> torch.Tensor:
    return sum(
        a * (2 * math.pi * frequency_hz * (k + 1) * TIMES_S).sin() for k, a in enumerate(harmonics)
    )


def gate(release_s: float = 0.05, attack_s: float = 0.02) -> torch.Tensor:
    rise, fall = TIMES_S / attack_s, (-(TIMES_S - 1.5).clamp_min(0) / release_s).exp()
    return rise.clamp(max=1) * fall


BURST = torch.randn(len(TIMES_S), generator=torch.manual_seed(0)) * (-TIMES_S / 0.02).exp()
MORE = {
    "bright": (tone(harmonics=(1, 0.1)) * gate(), tone(harmonics=(1, 1, 1, 1)) * gate()),
    "dark": (tone(harmonics=(1, 1, 1)) * gate(), tone(harmonics=(1, 0, 0)) * gate()),
    "percussive": (tone() * gate(), tone() * gate() + BURST),
    "soft": (tone() * gate() + BURST, tone() * gate()),
    "fast_decay": (tone() * gate(), tone() * gate() * (-2 * TIMES_S).exp()),
    "sustained": (tone() * gate() * (-2 * TIMES_S).exp(), tone() * gate()),
    "long_release": (tone() * gate(0.05), tone() * gate(0.4)),
    "slow_attack": (tone() * gate(), tone() * gate(attack_s=0.3)),
    "noisy": (tone() * gate(), (tone() + 0.3 * torch.randn(len(TIMES_S))) * gate()),
    "nonlinear_env": (tone() * gate(), tone() * gate() * (0.2 + TIMES_S)),
}


@pytest.mark.parametrize("name", AMOUNTS)
def test_more_is_more(name):
    less, more = (AMOUNTS[name].of(sound[None], HOLD_S, SAMPLE_RATE) for sound in MORE[name])
    assert float(more) > float(less)


def test_a_fall_in_db():
    """exp(-2 t): 17.37 dB a second, seen 1.4 s after its maximum."""
    falls = [AMOUNTS["fast_decay"].of(x[None], HOLD_S, SAMPLE_RATE) for x in MORE["fast_decay"]]
    assert float(falls[1] - falls[0]) == pytest.approx(1.4 * 17.37, abs=1.5)


@pytest.fixture
def bank() -> Bank:
    bank = Bank()
    bank.add("bright", torch.tensor([-0.4, 0.0, 0.1, 0.5]), "direction")
    bank.add("dark", torch.tensor([-0.4, 0.0, 0.1, 0.5]), "direction")  # the wrong way
    bank.add("mystery", torch.tensor([0.1, 0.0, 0.0, 0.0]), "direction")
    bank.add("violin", torch.ones(4))
    return bank


def test_shares_tell_right_from_wrong(bank, sines):
    told = []
    some = sines.subset(range(0, 28, 3))
    figures = direction_figures(Sine(), bank, some, notes=8, progress=lambda *now: told.append(now))
    stages = [("hearing notes", 8), ("judging directions", 3)]
    assert told == [(what, i, n) for what, n in stages for i in range(n + 1)]
    assert figures["bright_share"] == 1.0
    assert figures["bright_change"] > 0.1
    assert figures["dark_share"] == 0.0
    assert math.isnan(figures["mystery_share"])
    assert abs(figures["pitch_accuracy_change"]) < 0.05
    assert "violin_share" not in figures


def test_sources_are_judged_as_arithmetic_uses_them(bank, sines):
    bank.add("acoustic", torch.tensor([1.0, 0.02, 0.3, 0.0]), "mean")
    bank.add("synthetic", torch.tensor([0.5, 0.6, 0.8, 1.0]), "mean")
    figures = direction_figures(Sine(), bank, sines, notes=4)
    assert figures["synthetic_share"] > 0.6
    assert 0.0 <= figures["synthetic_judge_accuracy"] <= 1.0
    assert "electronic_share" not in figures


def test_a_bank_without_directions(sines):
    for bank in (None, Bank()):
        with pytest.raises(BadInput, match="the bank holds no direction"):
            direction_figures(Sine(), bank, sines)


def test_short_notes_are_left_out(sines):
    short = dataclasses.replace(sines, hold_s=torch.full_like(sines.hold_s, 0.3))
    assert choose_notes([short], 10) == []
    assert len(choose_notes([sines], 10)) == 10


def test_the_judge_tells_classes_on_groups_it_never_heard():
    pitch = torch.full((24,), 57.0)
    labels = ["plain", "rich"] * 12
    groups = [f"{label} {i // 6}" for i, label in enumerate(labels)]
    generator = torch.Generator().manual_seed(3)
    level = 0.2 + 0.3 * torch.rand(24, generator=generator)
    audio = torch.stack([
        tone(220, (1, 0.1) if label == "plain" else (1, 1, float(x), float(x)))
        for label, x in zip(labels, level, strict=True)
    ])  # fmt: skip
    judge = SourceJudge(audio, pitch, labels)
    assert judge.accuracy("rich", groups) == 1.0
    rich, plain = (judge.amount("rich", tone(220, h)[None], pitch[:1]) for h in ((1, 1, 1), (1,)))
    assert float(rich) > float(plain) + 0.3
