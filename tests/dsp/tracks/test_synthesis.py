"""The definition, held to what physics says of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from timbrel.dsp.tracks import SILENT_DB, Tracks, silence, stack, synthesise
from timbrel.dsp.tracks.tracks import TRANSIENT_TICKS

RATES = [16000, 44100, 48000]


def tone(f0_hz: float | torch.Tensor, levels_db: list[float], frames: int = 201) -> Tracks:
    """A note without noise, all of its partials even."""
    f0 = torch.as_tensor(f0_hz, dtype=torch.float32).expand(frames)
    level = torch.tensor(levels_db).expand(frames, -1)
    return replace(silence(frames=frames, harmonics=len(levels_db), bands=40),
                   f0_hz=f0, harmonic_db=level)  # fmt: skip


def spectrum_db(audio: torch.Tensor, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    power = np.abs(np.fft.rfft(audio.double().numpy() * np.blackman(len(audio))))
    frequency_hz = np.fft.rfftfreq(len(audio), 1 / sample_rate)
    return frequency_hz, 20 * np.log10(power / power.max() + 1e-12)


@pytest.mark.parametrize("rate", RATES)
def test_partials_stand_where_they_are_asked_at_the_levels_asked(rate):
    note = replace(tone(200.0, [-20.0, -120.0, -26.0]), offset=torch.tensor([0.0, 0.0, 0.25]))
    audio = synthesise(note, rate).double().numpy()
    time = np.arange(rate) / rate
    expected = 0.1 * np.sin(2 * np.pi * 200 * time)
    expected += 10**-1.3 * np.sin(2 * np.pi * 650 * time)
    assert np.abs(audio - expected).max() < 1e-6


def test_a_phase_is_still_right_after_half_a_minute():
    seconds = 30
    audio = synthesise(tone(1234.567, [-6.0] * 5, frames=seconds * 200 + 1), 16000)
    time = np.arange(seconds * 16000 - 500, seconds * 16000) / 16000
    f0_hz = np.float64(np.float32(1234.567))
    expected = sum(10**-0.3 * np.sin(2 * np.pi * k * f0_hz * time) for k in range(1, 6))
    assert np.abs(audio[-500:].numpy() - expected).max() < 1e-5


@pytest.mark.parametrize("rate", RATES)
def test_nothing_sounds_where_no_partial_is(rate):
    """100 partials of 1 kHz asked for: those below Nyquist sound, none folds back."""
    audio = synthesise(tone(1010.0, [-40.0] * 100), rate)
    frequency_hz, level_db = spectrum_db(audio, rate)
    nearest = np.abs(frequency_hz - 1010.0 * np.round(frequency_hz / 1010.0))
    assert level_db[nearest > 20].max() < -80
    count = int(0.475 * rate / 1010)
    assert (level_db[np.round(1010 * np.arange(1, count + 1)).astype(int)] > -1).all()


def test_partials_fade_below_nyquist():
    levels = [
        synthesise(tone(f0_hz, [0.0]), 16000)[1000:-1000].square().mean().sqrt().item() * 2**0.5
        for f0_hz in (7500.0, 7790.0, 7990.0, 8000.0, 9000.0)
    ]
    assert levels[0] == pytest.approx(1, abs=0.01)
    assert levels[1] == pytest.approx(0.5 + 0.5 * np.cos(np.pi * 190 / 400), abs=0.02)
    assert 0 < levels[2] < 0.01
    assert levels[3:] == [0, 0]


def test_a_glide_has_no_seams():
    """Between frames the phase runs on: the second difference is as smooth as a sine's."""
    f0_hz = 200 * 2 ** torch.linspace(0, 2, 201)
    audio = synthesise(tone(f0_hz, [0.0]), 44100).double().numpy()
    speed = 2 * np.pi * 800 / 44100
    assert np.abs(np.diff(audio, 2)).max() < 1.01 * speed**2
    crossings = (np.diff(np.sign(audio)) > 0).sum()
    mean_hz = 200 * 3 / (2 * np.log(2))
    assert crossings == pytest.approx(mean_hz, abs=1.5)


def test_amplitudes_are_ramps_between_frames():
    level = torch.tensor([[0.0], [-6.0206], [SILENT_DB], [SILENT_DB]])
    note = replace(tone(0.001, [0.0], frames=4), harmonic_db=level)
    audio = synthesise(note, 16000, start=torch.tensor([0.25]))
    expected = torch.cat([torch.linspace(1, 0.5, 81)[:-1], torch.linspace(0.5, 0, 81)])
    assert (audio[:161] - expected).abs().max() < 1e-4
    assert audio[160:].abs().max() == 0


def test_silence_is_exactly_zero():
    note = silence(3, frames=41, harmonics=20, bands=40)
    assert synthesise(note, 16000, length=5000).abs().max() == 0
    assert synthesise(replace(note, harmonic_db=torch.zeros(3, 41, 20)), 16000).abs().max() == 0


def test_after_the_last_frame_all_holds_on():
    audio = synthesise(tone(440.0, [0.0], frames=21), 16000, length=16000)
    time = np.arange(16000) / 16000
    assert np.abs(audio.numpy() - np.sin(2 * np.pi * 440 * time)).max() < 1e-6


def test_a_batch_equals_singles_with_starts_of_their_own(random_notes):
    start, noise_start = torch.rand(3, 12), torch.tensor([0, 1000, 123456])
    together = synthesise(random_notes, 16000, start=start, noise_start=noise_start)
    for i in range(3):
        alone = synthesise(random_notes[i], 16000, start=start[i], noise_start=noise_start[i])
        assert (together[i] - alone).abs().max() < 1e-6
    assert synthesise(stack([stack([random_notes[0]])] * 2), 16000).shape == (2, 1, 3200)


def test_hearing_the_parts_adds_up(random_notes):
    whole, harmonic, noise = (
        synthesise(random_notes, 16000, hear=hear) for hear in ("all", "harmonic", "noise")
    )
    assert (whole - harmonic - noise).abs().max() < 1e-6
    assert min(harmonic.abs().max(), noise.abs().max()) > 0.01


def test_noise_takes_differ_and_repeat(random_notes):
    takes = [
        synthesise(random_notes[0], 16000, noise_start=torch.tensor(at), hear="noise")
        for at in (0, 0, 5000)
    ]
    assert torch.equal(takes[0], takes[1])
    assert np.corrcoef(takes[0], takes[2])[0, 1] < 0.3


def test_bands_of_another_rate_are_left_out_or_silent():
    """Tracks of 48 kHz play at 16 kHz and the other way around."""
    wide = replace(silence(frames=41, harmonics=1, bands=56), noise_db=torch.full((41, 56), -40.0))
    narrow = replace(wide, noise_db=wide.noise_db[:, :40], transient_db=wide.transient_db[:, :40])
    assert torch.equal(synthesise(wide, 16000), synthesise(narrow, 16000))
    frequency_hz, level_db = spectrum_db(synthesise(narrow, 48000), 48000)
    assert level_db[frequency_hz > 8600].max() < -60


def test_the_burst_starts_at_once_and_ends():
    burst = torch.full((TRANSIENT_TICKS, 40), SILENT_DB)
    burst[:8] = -20.0
    note = replace(silence(frames=41, harmonics=1, bands=40), transient_db=burst)
    audio = synthesise(note, 16000)
    assert audio[: 7 * 20].square().mean().sqrt().item() == pytest.approx(0.1 * 40**0.5, rel=0.2)
    assert audio[8 * 20 :].abs().max() == 0
    assert audio[0].abs() > 0
    burst[:] = -20.0
    audio = synthesise(replace(note, transient_db=burst), 16000)
    assert audio[63 * 20 :].abs().max() > 0
    assert audio[64 * 20 :].abs().max() == 0


def test_gradients_flow_to_all_that_sounds(random_notes):
    notes = random_notes.map(lambda x: x.clone().requires_grad_())
    target = synthesise(random_notes, 16000) * 0.5
    (synthesise(notes, 16000) - target).square().mean().backward()
    for name in ("f0_hz", "harmonic_db", "offset", "noise_db", "transient_db"):
        gradient = getattr(notes, name).grad
        assert gradient.isfinite().all(), name
        assert gradient.abs().amax(tuple(range(1, gradient.ndim))).min() > 0, name


def test_gradients_are_the_slopes():
    note = tone(torch.linspace(200, 210, 4), [-6.0, -10.0], frames=4)
    noise_db = torch.full((4, 40), -20.0).double()
    note = replace(note.map(torch.Tensor.double), noise_db=noise_db)

    def some_samples(f0_hz, level_db, noise_db):
        changed = replace(note, f0_hz=f0_hz, harmonic_db=level_db, noise_db=noise_db)
        return synthesise(changed, 8000, length=100)[::9]

    curves = [x.clone().requires_grad_() for x in (note.f0_hz, note.harmonic_db, note.noise_db)]
    torch.autograd.gradcheck(some_samples, curves, eps=1e-5, atol=1e-4, rtol=1e-3)
