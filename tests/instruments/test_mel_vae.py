"""`mel_vae`: what the network knows by construction, and what the shipped weights have learned."""

from __future__ import annotations

import pytest
import torch

from timbrel.dsp.distances import log_mel_l1_db, pitch_accuracy
from timbrel.dsp.mel import MelScale, mel_power
from timbrel.dsp.mel_lines import harmonic_comb
from timbrel.errors import BadAudio, BadModel
from timbrel.instruments import load
from timbrel.instruments.mel_vae import Decoded, MelVAE, MelVAENetwork, MelVAESettings
from timbrel.instruments.mel_vae.network import comb_db_of
from timbrel.instruments.mel_vae.sounding import REFERENCE_DB, sounds_of
from timbrel.sound import Notes
from timbrel.units import midi_to_hz

SCALE = MelScale()


def decoded_tone(pitch: float, level_db: float, frames: int = 64) -> Decoded:
    """Harmonics of equal level, no noise."""
    comb_db = comb_db_of(torch.tensor([pitch]), SCALE)
    harmonic_db = torch.zeros(1, SCALE.n_mels, frames)
    noise_db = torch.full((1, SCALE.n_mels, frames), -200.0)
    return Decoded(harmonic_db, noise_db, comb_db, torch.tensor([level_db]))


def test_the_comb_is_what_equal_harmonics_measure() -> None:
    pitch = torch.tensor([57.0])
    time = torch.arange(32000, dtype=torch.float64) / 16000
    order = torch.arange(1, int(8000 / 220) + 1)[:, None]
    audio = (2 * torch.pi * 220 * order * time + order.square()).sin().sum(0).float()
    measured = mel_power(audio, SCALE)[:, 40:80].mean(-1)
    expected = harmonic_comb(midi_to_hz(pitch), SCALE)[0]
    loud = expected > expected.max() * 1e-2
    ratio_db = 10 * (measured[loud] / expected[loud]).log10()
    # neighbouring lobes interfere where harmonics are 14 bins apart: hardly
    assert float(ratio_db.abs().max()) < 1.0


@pytest.mark.parametrize("pitch", [40.0, 57.3, 76.0])
def test_what_is_decoded_is_what_sounds(pitch: float) -> None:
    decoded = decoded_tone(pitch, level_db=-6.0)
    notes = Notes.of(pitch, 0.8, 0.9)
    (sound,) = sounds_of(decoded, notes, SCALE, "pitched")
    measured = 10 * mel_power(sound, SCALE)[:, 20:40].mean(-1).clamp_min(1e-9).log10()
    wanted = decoded.mel_db[0, :, 0] - 6.0 + REFERENCE_DB
    loud = wanted > wanted.max() - 25
    assert float((measured - wanted)[loud].abs().median()) < 0.7


def test_its_pitch_is_exact_whatever_the_weights() -> None:
    pitch = 64.0
    (sound,) = sounds_of(decoded_tone(pitch, 0.0), Notes.of(pitch, 0.8, 0.9), SCALE, "pitched")
    spectrum = torch.fft.rfft(sound, n=1 << 20).abs()
    hz = torch.arange(len(spectrum)) * 16000 / (1 << 20)
    near = (hz > 300) & (hz < 360)
    assert float(hz[near][spectrum[near].argmax()]) == pytest.approx(329.628, abs=0.2)


def test_a_level_moves_the_sound_by_as_much() -> None:
    notes = Notes.of(60.0, 0.8, 0.9)
    loud, soft = (
        sounds_of(decoded_tone(60.0, level), notes, SCALE, "pitched")[0] for level in (0.0, -12.0)
    )
    ratio_db = 20 * (loud.square().mean() / soft.square().mean()).sqrt().log10()
    assert float(ratio_db) == pytest.approx(12.0, abs=0.01)


def test_a_sustained_note_keeps_its_fall_and_its_release() -> None:
    frames = 256
    fall = -torch.arange(frames) * 0.1
    harmonic_db = fall.expand(1, SCALE.n_mels, frames).clone()
    harmonic_db[..., 188:] -= 60.0
    decoded = Decoded(harmonic_db, harmonic_db - 20, torch.zeros(1, SCALE.n_mels), torch.zeros(1))
    longer = decoded.sustained(100, SCALE.frame_rate)
    assert longer.harmonic_db.shape[-1] == frames + 100
    slope = longer.harmonic_db[0, 0, 200:260].diff()
    torch.testing.assert_close(slope, torch.full_like(slope, -0.1), atol=1e-3, rtol=0)
    drop = longer.harmonic_db[0, 0, 286] - longer.harmonic_db[0, 0, 289]
    assert float(drop) == pytest.approx(60.3, abs=0.5)


def test_a_rising_sound_does_not_run_away_when_sustained() -> None:
    rise = torch.arange(256).float().expand(1, SCALE.n_mels, 256) * 0.2
    decoded = Decoded(rise, rise, torch.zeros(1, SCALE.n_mels), torch.zeros(1))
    longer = decoded.sustained(1000, SCALE.frame_rate)
    assert float(longer.harmonic_db.max()) <= float(rise.max()) + 0.1


def test_kl_has_nothing_to_do_with_the_network_and_every_part_gets_a_gradient() -> None:
    torch.manual_seed(0)
    network = MelVAENetwork(MelVAESettings(size="tiny"))
    pitch = torch.tensor([50.0, 70.0])
    mean, log_variance = network.encode(torch.rand(2, 80, 256) * 2 - 1, pitch)
    decoded = network.decoder(mean, pitch, pitch / 127, pitch / 30, 128)
    (decoded.mel_db.mean() + decoded.level_db.mean() + log_variance.mean()).backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@pytest.mark.parametrize("frames", [16, 48, 112, 256, 320])
def test_any_number_of_sixteens_can_be_decoded(frames: int) -> None:
    network = MelVAENetwork(MelVAESettings(size="tiny"))
    one = torch.ones(1)
    decoded = network.decoder(torch.zeros(1, 128), 60 * one, one, one, frames)
    assert decoded.mel_db.shape == (1, 80, frames)


@torch.no_grad()
def test_a_stretch_is_told_where_in_the_note_it_lies() -> None:
    torch.manual_seed(1)
    network = MelVAENetwork(MelVAESettings(size="tiny"))
    one = torch.ones(1)
    whole = network.decoder(torch.zeros(1, 128), 60 * one, one, 2 * one, 256).mel_db
    late = network.decoder(
        torch.zeros(1, 128), 60 * one, one, 2 * one, 128, torch.tensor([128])
    ).mel_db
    # equal but for what convolutions see beyond the ends of the stretch, and for the norms
    assert float((whole[..., 160:220] - late[..., 32:92]).abs().mean()) < 1.0


def test_encode_needs_a_sound() -> None:
    instrument = MelVAE(MelVAESettings(size="tiny"))
    with pytest.raises(BadAudio, match="silent"):
        instrument.encode(torch.zeros(16000), pitch=60.0)
    with pytest.raises(BadAudio, match="NaN"):
        instrument.encode(torch.full((16000,), float("nan")), pitch=60.0)


def test_a_bank_of_another_model_is_refused(tmp_path) -> None:
    torch.manual_seed(0)
    one, other = (MelVAE(MelVAESettings(size="tiny")) for _ in range(2))
    one.bank = load("mel_vae").bank
    one.save(tmp_path / "one")
    with pytest.raises(BadModel, match="another model"):
        load(tmp_path / "one")
    other.save(tmp_path / "other")
    assert load(tmp_path / "other").bank is None


@pytest.fixture(scope="module")
def shipped() -> MelVAE:
    instrument = load("mel_vae")
    assert isinstance(instrument, MelVAE)
    return instrument


@pytest.mark.slow
@pytest.mark.parametrize("name", ["violin", "flute", "trumpet", "piano", "saw_lead"])
@pytest.mark.parametrize("pitch", [48, 60, 75])
def test_shipped_pitch_in_is_pitch_out(shipped: MelVAE, name: str, pitch: int) -> None:
    assert shipped.bank is not None
    audio = shipped.render(Notes.of(pitch, 0.8, 0.8), shipped.bank[name]).audio[0]
    assert pitch_accuracy(audio, 16000, float(pitch)) > 0.95


BANK_SOUNDS = ("violin", "flute", "trumpet", "piano", "organ", "marimba", "choir", "bass")


@pytest.fixture(scope="module")
def heard_again(shipped: MelVAE) -> list[list[float]]:
    """Log-mel L1 of each sound, played, heard and played again, from each sound as it was."""
    assert shipped.bank is not None
    note = Notes.of(60, 0.67, 1.5)
    heard = [shipped.render(note, shipped.bank[name]).audio[0] for name in BANK_SOUNDS]
    again = [
        shipped.render(note, shipped.encode(sound, pitch=60.0)).audio[0] for sound in heard
    ]  # fmt: skip
    return [[float(log_mel_l1_db(ours, sound)) for sound in heard] for ours in again]


@pytest.mark.slow
@pytest.mark.parametrize("name", BANK_SOUNDS)
def test_shipped_encoding_comes_back(heard_again: list[list[float]], name: str) -> None:
    """What is heard and played again is nearer to what was heard than to any other sound."""
    place = BANK_SOUNDS.index(name)
    distances = heard_again[place]
    assert distances.index(min(distances)) == place


@pytest.mark.slow
def test_shipped_encoding_comes_back_near(heard_again: list[list[float]]) -> None:
    own = torch.tensor([row[i] for i, row in enumerate(heard_again)])
    assert float(own.median()) < 3.0


@pytest.mark.slow
def test_shipped_fitting_brings_the_log_mel_nearer(shipped: MelVAE) -> None:
    time = torch.arange(24000) / 16000
    sound = sum((2 * torch.pi * 220 * k * time).sin() / k**2 for k in (1, 3, 5)) * 0.3
    assert isinstance(sound, torch.Tensor)
    mel = shipped._heard_mel(sound)
    pitch, held_s = torch.tensor([57.0]), torch.tensor([1.5])
    with torch.no_grad():
        before = shipped._mel_error(shipped.encode(sound, pitch=57.0)[None], mel, pitch, held_s)
    fitted = shipped.encode(sound, pitch=57.0, seconds=2.0)
    with torch.no_grad():
        after = shipped._mel_error(fitted[None], mel, pitch, held_s)
    assert float(after) < 0.9 * float(before)
