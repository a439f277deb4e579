"""Steps of the decoder: the whole network is their oracle, and melodies do not hear each other."""

import numpy as np
import pytest
import torch

from timbrel.instruments.ddsp.network import Asked, DdspNetwork, DdspSettings, Decoder
from timbrel.instruments.ddsp.stepping import Stepper, n_latent_of, stepper_of

N_FRAMES = 200
KINDS = [("gru", "tiny"), ("gru", "small"), ("transformer", "tiny")]


def melodies(count: int) -> Asked:
    """Of all pitches, levels and degrees of voicing."""
    time_s = torch.arange(N_FRAMES) / 200 + 0.3 * torch.arange(count)[:, None]
    return Asked(
        220 * 2 ** (1.7 * (5 * time_s).sin()),
        -60 + 59 * (9 * time_s).cos(),
        (0.7 + (13 * time_s).sin()).clamp(0, 1),
    )


def decoder_of(kind: str, size: str, latent: int = 4) -> Decoder:
    torch.manual_seed(0)
    settings = DdspSettings(size=size, decoder=kind, latent=latent, looks_back=20)  # pyright: ignore
    return DdspNetwork(settings).decoder


def whole(decoder: Decoder, latent: torch.Tensor, asked: Asked) -> np.ndarray:
    """As torch says it."""
    with torch.enable_grad():
        said = decoder(latent, asked)
    return torch.cat([said.partial_db, said.noise_db], -1).detach().numpy()


def step_by_step(stepper: Stepper, asked: Asked, rows: list[int]) -> np.ndarray:
    """Levels said to some rows, each asked for the melody of its own number."""
    said, some = [], np.array(rows)
    for frame in range(N_FRAMES):
        stepper.asked[rows] = torch.stack([curve[rows, frame] for curve in asked], -1).numpy()
        stepper.step(some, len(rows))
        said.append(stepper.said[rows].copy())
    return np.stack(said, 1)


@pytest.mark.parametrize(("kind", "size"), KINDS)
def test_they_say_what_the_whole_network_says(kind: str, size: str):
    decoder, asked, latent = decoder_of(kind, size), melodies(3), torch.randn(3, 4)
    stepper = stepper_of(decoder, 3)
    stepper.latents[:] = latent.numpy()
    said = step_by_step(stepper, asked, [0, 1, 2])
    np.testing.assert_allclose(said, whole(decoder, latent, asked), atol=4e-4, rtol=0)


@pytest.mark.parametrize(("kind", "size"), KINDS[::2])
def test_a_model_of_one_instrument_has_no_latent(kind: str, size: str):
    decoder, asked = decoder_of(kind, size, latent=0), melodies(1)
    assert n_latent_of(decoder) == 0
    said = step_by_step(stepper_of(decoder, 1), asked, [0])
    np.testing.assert_allclose(said, whole(decoder, torch.zeros(1, 0), asked), atol=4e-4, rtol=0)


@pytest.mark.parametrize(("kind", "size"), KINDS[::2])
def test_melodies_do_not_hear_each_other(kind: str, size: str):
    decoder, asked = decoder_of(kind, size), melodies(40)
    together, alone = stepper_of(decoder, 40), stepper_of(decoder, 40)
    said = step_by_step(together, asked, list(range(40)))
    tolerance = 0 if kind == "gru" else 1e-4
    for row in (3, 37):
        np.testing.assert_allclose(
            step_by_step(alone, asked, [row])[0], said[row], atol=tolerance, rtol=0
        )


@pytest.mark.parametrize(("kind", "size"), KINDS[::2])
def test_a_melody_begins_without_a_past(kind: str, size: str):
    stepper, asked = stepper_of(decoder_of(kind, size), 2), melodies(2)
    first = step_by_step(stepper, asked, [1])
    assert np.abs(step_by_step(stepper, asked, [1]) - first)[:, 0].max() > 0.1
    stepper.begin(1)
    np.testing.assert_allclose(step_by_step(stepper, asked, [1]), first, atol=1e-4)


def test_a_loud_past_and_a_wild_state_stay_finite():
    decoder = decoder_of("gru", "tiny")
    with torch.no_grad():
        for weight in decoder.memory.parameters():
            weight.mul_(300)
    asked, latent = melodies(1), 9 * torch.ones(1, 4)
    stepper = stepper_of(decoder, 1)
    stepper.latents[:] = latent.numpy()
    said = step_by_step(stepper, asked, [0])
    assert np.isfinite(said).all()
    assert np.median(np.abs(said - whole(decoder, latent, asked))) < 1e-2


def test_whole_melodies_go_through_compiled_code_where_nothing_is_learned():
    decoder, asked, latent = decoder_of("gru", "small"), melodies(3), torch.randn(3, 4)
    with torch.no_grad():
        said = decoder(latent, asked)
    quick = torch.cat([said.partial_db, said.noise_db], -1).numpy()
    np.testing.assert_allclose(quick, whole(decoder, latent, asked), atol=1e-4, rtol=0)
