"""The factory bank is heard, patch by patch: levels, what its category asks, no sound twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import pytest
import torch
from torch import Tensor

from timbrel.dsp.mel import MelScale, mel_db, mel_power
from timbrel.dsp.yin import yin
from timbrel.sound import Notes
from timbrel.synths import CATEGORIES, Patch, load_synth
from timbrel.synths.subtractive import PARAMETERS, Subtractive
from timbrel.synths.subtractive.factory import factory_banks
from timbrel.units import amplitude_to_db, hz_to_midi

RATE = 16000
HOP = 80
HELD_S = 3.0
LEAST = {
    "bass": 40, "lead": 36, "pad": 32, "fx": 22, "keys": 18, "pluck": 18, "brass": 13,
    "strings": 13, "organ": 10, "drum": 12, "sequence": 8, "other": 6,
}  # fmt: skip
UNPITCHED = {"fx", "drum", "sequence"}
OUT_OF_TUNE = {"Bell Foundry", "Church Bell Keys", "Metal Sky", "Tuned Gate Latch", "Water Drip"}
"""Bells, and what falls."""

MEL = MelScale(sample_rate=RATE, n_fft=1024, hop_length=1024, n_mels=64)
APART_DB = 3.5
"""Of the nearest two log-mels, on average over the cells where either is above -60 dB."""

KNOBS_APART = 0.8
"""Of the nearest two vectors: summed ways of knobs, at most one each."""


def played(vectors: Tensor, pitch: float, velocity: float, duration_s: float = HELD_S) -> Tensor:
    """One note of each, at the rate of the tests."""
    notes = Notes.of([pitch] * len(vectors), [velocity] * len(vectors), [duration_s] * len(vectors))
    return Subtractive(RATE).render(vectors, notes).audio


@dataclass(frozen=True)
class Bank:
    """All patches, and what they sound like: C4, struck with 0.8, held for 3 s."""

    patches: list[Patch]

    @cached_property
    def vectors(self) -> Tensor:
        return torch.stack([PARAMETERS.vector(patch.values) for patch in self.patches])

    @cached_property
    def audio(self) -> Tensor:
        return played(self.vectors, 60, 0.8)

    @cached_property
    def envelope(self) -> Tensor:
        """RMS of 20 ms around each 5 ms."""
        power = torch.nn.functional.avg_pool1d(
            self.audio.square()[:, None], 4 * HOP, HOP, padding=2 * HOP
        )
        return power[:, 0].sqrt()

    @cached_property
    def envelope_db(self) -> Tensor:
        """The same under its loudest."""
        return amplitude_to_db((self.envelope / self.envelope.amax(1, keepdim=True)).clamp(1e-6))

    @cached_property
    def attack_s(self) -> Tensor:
        """Until half of the loudest is reached."""
        loud = self.envelope >= 0.5 * self.envelope.amax(1, keepdim=True)
        return loud.int().argmax(1) * HOP / RATE

    @cached_property
    def log_mels(self) -> Tensor:
        return mel_db(mel_power(self.audio[:, : int(3.5 * RATE)], MEL)).clamp(min=-60)

    def db_at(self, start_s: float, end_s: float) -> Tensor:
        """Loudest between two moments, under the loudest of all."""
        return self.envelope_db[:, int(start_s * RATE / HOP) : int(end_s * RATE / HOP)].amax(1)

    def of(self, *categories: str) -> Tensor:
        """Which are of some categories."""
        return torch.tensor([patch.category in categories for patch in self.patches])

    def names(self, which: Tensor) -> list[str]:
        return [p.name for p, is_one in zip(self.patches, which.tolist(), strict=True) if is_one]


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank([patch for _, patches in factory_banks() for patch in patches])


def test_there_are_many_of_each_category(bank: Bank) -> None:
    count = Counter(patch.category for patch in bank.patches)
    assert count.total() >= 240
    assert set(count) == set(CATEGORIES)
    assert {c: n for c, n in count.items() if n < LEAST[c]} == {}
    assert max(count.values()) < 0.2 * count.total()


def test_names_are_their_own(bank: Bank) -> None:
    names = [patch.name.casefold() for patch in bank.patches]
    assert [name for name, n in Counter(names).items() if n > 1] == []
    assert all(0 < len(name) <= 28 and name.isascii() for name in names)


def test_the_synthesizer_brings_them(bank: Bank) -> None:
    banks = load_synth("subtractive").factory_banks()
    assert [name for name, _ in banks] == list(CATEGORIES)
    assert [patch for _, patches in banks for patch in patches] == bank.patches
    assert {(patch.synth, patch.author) for patch in bank.patches} == {("subtractive", "timbrel")}


def test_every_knob_is_used(bank: Bank) -> None:
    used = Counter(knob for patch in bank.patches for knob in patch.values)
    assert [name for name in PARAMETERS.names if used[name] < 8] == []
    for number in PARAMETERS.is_switch.nonzero()[:, 0].tolist():
        choices = set(bank.vectors[:, number].tolist())
        assert len(choices) == len(PARAMETERS.controls[number].choices)


def test_no_two_are_nearly_one(bank: Bank) -> None:
    way = (bank.vectors[:, None] - bank.vectors).abs().clamp(max=1).sum(2)
    assert (way + 99 * torch.eye(len(way))).min() > KNOBS_APART
    assert nearest_db(bank.log_mels).min() > APART_DB


def nearest_db(log_mels: Tensor) -> Tensor:
    """How far each is from the one most like it."""
    sounds = log_mels > -60
    nearest = []
    for i, log_mel in enumerate(log_mels):
        either = (sounds | sounds[i]).sum((1, 2))
        apart = (log_mels - log_mel).abs().sum((1, 2)) / either
        nearest.append(torch.cat([apart[:i], apart[i + 1 :]]).min())
    return torch.stack(nearest)


def test_levels(bank: Bank) -> None:
    assert bank.audio.isfinite().all()
    peak_db = amplitude_to_db(bank.audio.abs().amax(1))
    assert bank.names((peak_db < -12) | (peak_db > -1)) == []
    first_db = amplitude_to_db(bank.audio[:, :RATE].square().mean(1).sqrt())
    is_short = bank.of("pluck", "drum", "fx", "keys")
    assert bank.names(~is_short & ((first_db < -26) | (first_db > -10))) == []
    assert bank.names(is_short & ((first_db < -34) | (first_db > -10))) == []
    assert bank.names(bank.audio.mean(1).abs() > 1e-3) == []


@pytest.mark.parametrize("pitch", [36, 84])
def test_nothing_clips_where_it_is_struck_hardest(bank: Bank, pitch: int) -> None:
    audio = played(bank.vectors, pitch, 1.0, 1.0)
    assert audio.isfinite().all()
    peak_db = amplitude_to_db(audio.abs().amax(1))
    assert bank.names((peak_db > -0.9) | (peak_db < -40)) == []


def test_every_note_ends(bank: Bank) -> None:
    assert bank.audio.shape[1] < 13 * RATE
    notes = Notes.of(
        [60.0] * len(bank.patches), [0.8] * len(bank.patches), [0.5] * len(bank.patches)
    )
    rendered = Subtractive(RATE).render(bank.vectors, notes)
    place = torch.arange(rendered.audio.shape[1])
    left = rendered.audio * (place >= rendered.lengths[:, None] - RATE // 1000)
    assert bank.names(left.abs().amax(1) > 10 ** (-50 / 20)) == []


def test_drums_are_over_at_once(bank: Bank) -> None:
    late = (bank.attack_s > 0.05) | (bank.db_at(2.0, 3.0) > -40)
    assert bank.names(bank.of("drum") & late) == []


def test_basses_are_low(bank: Bank) -> None:
    names, audio = bank.names(bank.of("bass")), played(bank.vectors[bank.of("bass")], 36, 0.8)
    spectrum = torch.fft.rfft(audio).abs().square()
    below = spectrum[:, : int(500 / RATE * 2 * spectrum.shape[1])].sum(1) / spectrum.sum(1)
    assert [n for n, share in zip(names, below.tolist(), strict=True) if share < 0.7] == []
    peak_db = amplitude_to_db(audio.abs().amax(1))
    assert [n for n, p in zip(names, peak_db.tolist(), strict=True) if not -12 < p < -1] == []


def test_pads_are_slow_and_stay(bank: Bank) -> None:
    wrong = (bank.attack_s < 0.05) | (bank.db_at(2.5, 3.0) < -12)
    assert bank.names(bank.of("pad") & wrong) == []


def test_plucks_and_keys_die_away(bank: Bank) -> None:
    assert bank.names(bank.of("pluck", "keys") & (bank.attack_s > 0.05)) == []
    assert bank.names(bank.of("pluck") & (bank.db_at(1.0, 3.0) > -6)) == []
    assert bank.names(bank.of("pluck", "keys") & (bank.db_at(2.7, 3.0) > -6)) == []


def test_leads_and_organs_stay(bank: Bank) -> None:
    assert bank.names(bank.of("lead", "organ") & (bank.db_at(2.5, 3.0) < -10)) == []
    assert bank.names(bank.of("organ") & (bank.attack_s > 0.05)) == []


def test_brass_and_strings_begin_as_breath_and_bows_do(bank: Bank) -> None:
    brass, strings = bank.of("brass"), bank.of("strings")
    assert bank.names(brass & ((bank.attack_s < 0.01) | (bank.attack_s > 0.4))) == []
    assert bank.names(strings & ((bank.attack_s < 0.02) | (bank.attack_s > 1.0))) == []
    assert bank.names((brass | strings) & (bank.db_at(2.5, 3.0) < -15)) == []


def test_they_are_in_tune(bank: Bank) -> None:
    pitched = ~bank.of(*UNPITCHED) & ~named(bank, OUT_OF_TUNE)
    off = torch.stack([semitones_off(audio) for audio in bank.audio[pitched]])
    assert [n for n, o in zip(bank.names(pitched), off, strict=True) if abs(o) > 0.5] == []
    assert off.abs().median() < 0.1


def named(bank: Bank, names: Iterable[str]) -> Tensor:
    missing = set(names) - {patch.name for patch in bank.patches}
    assert not missing
    return torch.tensor([patch.name in names for patch in bank.patches])


def semitones_off(audio: Tensor) -> Tensor:
    """From C in any octave, where it sounds."""
    f0_hz = yin(audio[: 2 * RATE], RATE, minimum_hz=30.0, maximum_hz=2500.0, hop_length=400)
    power = torch.nn.functional.avg_pool1d(
        audio[: 2 * RATE].square()[None], 2048, 400, padding=1024
    )[0]
    length = min(len(f0_hz), len(power))
    sounds = power[3:length] > 0.01 * power.max()
    return (hz_to_midi(f0_hz[3:length][sounds]).median() + 6) % 12 - 6
