"""The burst: what an attack has beyond its partials and its steady noise, and nothing else."""

from __future__ import annotations

import pytest
import torch
from made import harmonic_tone, white_noise

from timbrel.dsp.tracks import SILENT_DB, TRANSIENT_RATE, synthesise
from timbrel.dsp.tracks.analysis import analyse
from timbrel.dsp.tracks.attack import burst_db
from timbrel.dsp.tracks.tracks import amplitude_of

F0_HZ = 330.0


def click(at_s: float, rms: float = 0.3, width_s: float = 0.003) -> torch.Tensor:
    first, width = round(at_s * 16000), round(width_s * 16000)
    audio = torch.zeros(16000)
    audio[first : first + width] = white_noise(rms, seconds=width_s, seed=4)
    return audio


def bursts(audio: torch.Tensor) -> torch.Tensor:
    """Power of the burst in each tick."""
    transient_db = analyse(audio, 16000, F0_HZ).transient_db
    return amplitude_of(transient_db).square().sum(1)


@pytest.mark.parametrize("at_s", [0.005, 0.02, 0.04])
def test_a_click_on_top_of_a_tone_is_found_in_place_and_strength(at_s: float) -> None:
    tone = harmonic_tone(F0_HZ, [0.1 / k for k in range(1, 9)])
    power = bursts(tone + click(at_s))
    ticks_s = torch.arange(len(power)) / TRANSIENT_RATE
    centre_s = float((power * ticks_s).sum() / power.sum())
    assert centre_s == pytest.approx(at_s + 0.0015, abs=0.002)
    spread_s = float((power * (ticks_s - centre_s).square()).sum() / power.sum()) ** 0.5
    assert spread_s < 0.006
    # the steady noise, measured over 40 ms, has its share of the click: the burst is the rest
    energy = float(power.sum()) / TRANSIENT_RATE
    assert 0.1 < energy / (0.3**2 * 0.003) < 1.0


@pytest.mark.parametrize("f0_hz", [110.0, 330.0, 1200.0])
def test_a_plain_tone_has_none(f0_hz: float) -> None:
    tone = harmonic_tone(
        f0_hz, [0.1 / k for k in range(1, 7)], level=lambda t: (t / 0.01).clamp(max=1)
    )
    level_db = analyse(tone, 16000, f0_hz).transient_db
    loudest = 10 * amplitude_of(level_db).square().sum(1).max().log10()
    assert loudest < 10 * tone.square().mean().log10() - 15


def test_what_is_resynthesised_whole_lacks_nothing() -> None:
    """The tracks of a sound against that sound itself: no burst at all but for the noise's luck."""
    tone = harmonic_tone(F0_HZ, [0.1 / k for k in range(1, 9)])
    tracks = analyse(tone, 16000, F0_HZ)
    again = burst_db(synthesise(tracks, 16000), 16000, tracks)
    assert bool((again == SILENT_DB).all())


def test_the_burst_ends_in_a_fade() -> None:
    noise = torch.zeros(16000)
    noise[:1600] = white_noise(0.3, seconds=0.1)
    tracks = analyse(harmonic_tone(F0_HZ, (1e-4,)), 16000, F0_HZ, burst=False)
    level_db = burst_db(noise, 16000, tracks)
    power = amplitude_of(level_db).square().sum(1)
    assert 10 * (power[10:50].mean() / 0.09).log10().abs() < 1.5
    assert power[-1] < 0.02 * power[10:50].mean()


def test_a_click_sounds_again() -> None:
    tone = harmonic_tone(F0_HZ, [0.03 / k for k in range(1, 9)])
    real = tone + click(0.02)
    level = [
        10 * sound[300:400].square().mean().log10()
        for sound in (
            real,
            synthesise(analyse(real, 16000, F0_HZ), 16000),
            synthesise(analyse(real, 16000, F0_HZ, burst=False), 16000),
        )
    ]
    assert abs(level[1] - level[0]) < 3
    assert level[2] < level[0] - 3
