import librosa
import pytest
import torch

from timbrel.dsp.descriptors import (
    attack_s,
    decay_db_per_s,
    rms_envelope,
    spectral_centroid_hz,
    spectral_flatness,
)

RATE = 16000
TIME = torch.arange(2 * RATE) / RATE


def tone(frequency_hz):
    return torch.sin(2 * torch.pi * frequency_hz * TIME)


def test_the_centroid_lies_between_two_tones_by_their_magnitudes():
    assert spectral_centroid_hz(tone(1000) + tone(3000), RATE).item() == pytest.approx(
        2000, rel=0.02
    )
    assert spectral_centroid_hz(tone(1000) + 3 * tone(3000), RATE).item() == pytest.approx(
        2500, rel=0.02
    )


def test_the_centroid_of_steady_noise_agrees_with_librosa():
    audio = torch.randn(RATE)
    expected = librosa.feature.spectral_centroid(
        y=audio.numpy(), sr=RATE, n_fft=1024, hop_length=256, pad_mode="constant"
    )[0, 2:-2].mean()
    assert spectral_centroid_hz(audio, RATE).item() == pytest.approx(expected, rel=0.01)


def test_flatness_tells_noise_from_tones():
    assert spectral_flatness(torch.randn(RATE)).item() == pytest.approx(0.56, abs=0.02)
    assert spectral_flatness(tone(440)).item() < 1e-3
    assert spectral_flatness(torch.zeros(RATE)).item() == 0


@pytest.mark.parametrize("seconds", [0.02, 0.1, 0.5])
def test_the_attack_of_a_ramp_is_eight_tenths_of_it(seconds):
    audio = tone(1000) * (TIME / seconds).clamp(max=1)
    assert attack_s(audio, RATE).item() == pytest.approx(0.8 * seconds, abs=0.006)


@pytest.mark.parametrize("swell_s", [0.5, 1.5])
def test_a_swell_after_the_attack_is_no_part_of_it(swell_s):
    rise = (TIME / 0.1).clamp(max=1)
    swell = ((TIME - 0.3) / swell_s).clamp(0, 1)
    audio = tone(1000) * (0.75 * rise + 0.25 * swell)
    assert attack_s(audio, RATE).item() == pytest.approx(0.08, abs=0.01)


def test_a_crescendo_from_nothing_is_all_attack():
    assert attack_s(tone(1000) * TIME / 2, RATE).item() == pytest.approx(1.6, abs=0.02)


def test_waves_of_a_low_note_are_no_rest():
    audio = tone(30) * (TIME / 0.3).clamp(max=1)
    assert attack_s(audio, RATE).item() == pytest.approx(0.24, abs=0.05)


def test_the_centroid_of_what_lies_below():
    audio = tone(1000) + tone(3000) + tone(7000)
    below = spectral_centroid_hz(audio, RATE, highest_hz=4000.0).item()
    assert below == pytest.approx(2000, rel=0.02)


def test_the_centroid_is_the_same_at_any_rate():
    times = torch.arange(2 * 48000) / 48000
    audio = torch.sin(2 * torch.pi * 1000 * times) + torch.sin(2 * torch.pi * 3000 * times)
    assert spectral_centroid_hz(audio, 48000).item() == pytest.approx(2000, rel=0.03)


def test_silence_before_the_note_is_no_attack():
    audio = torch.cat([torch.zeros(RATE // 2), tone(1000)])
    assert attack_s(audio, RATE).item() <= 0.012


@pytest.mark.parametrize("rate_db", [6.0, 30.0, 120.0])
def test_decay_is_the_slope_of_the_level(rate_db):
    audio = tone(1000) * 10 ** (-TIME * rate_db / 20)
    assert decay_db_per_s(audio, RATE).item() == pytest.approx(rate_db, rel=0.02)


def test_decay_looks_only_while_the_key_is_held():
    audio = tone(1000)
    audio[RATE:] *= 10 ** (-(TIME[RATE:] - 1) * 100 / 20)
    assert decay_db_per_s(audio, RATE, held_s=1.0).item() == pytest.approx(0, abs=0.1)
    assert decay_db_per_s(audio, RATE).item() > 10


def test_a_batch_equals_singles_at_any_level():
    audio = torch.randn(2, 3, 8000) * 10 ** (-TIME[:8000])
    for describe in (
        lambda x: spectral_centroid_hz(x, RATE), spectral_flatness,
        lambda x: attack_s(x, RATE), lambda x: decay_db_per_s(x, RATE),
    ):  # fmt: skip
        together = describe(audio)
        assert together.shape == (2, 3)
        assert together[1, 2].item() == pytest.approx(describe(audio[1, 2]).item(), rel=1e-4)
        assert describe(audio * 0.1)[0, 0].item() == pytest.approx(together[0, 0].item(), rel=1e-3)


def test_the_rms_of_a_sine_is_its_amplitude_over_root_2():
    assert rms_envelope(tone(1000), RATE)[50:60].numpy() == pytest.approx(0.7071, abs=1e-3)
