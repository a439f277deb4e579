"""A model of one synthesizer goes on with another: what it hears stays, its knobs are new."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from timbrel.errors import BadModel
from timbrel.instruments.model_folder import write_config, write_weights
from timbrel.instruments.preset import PresetNetwork, PresetSettings
from timbrel.instruments.preset.hearing.heard import Heard
from timbrel.sound import Control
from timbrel.synths import Parameters
from timbrel.training.preset.parameter_loss import ParameterLoss, ParameterLossSettings
from timbrel.training.preset.tuning import take_over

OLD = Parameters(tuple(Control(name, "", 0.0, 1.0, 0.5) for name in ("height", "decay", "width")))
NEW = Parameters((
    Control("fall", "", 0.0, 1.0, 0.5),
    Control("place", "", 0.0, 1.0, 0.5),
    Control("sign", "", 0, 1, 0, choices=("off", "on")),
))  # fmt: skip
SETTINGS = PresetSettings(synth="old", size="tiny", latent=16, point=4, code=2)
FRAMES = 345


def heard_of(height: Tensor, decay: Tensor, width: Tensor) -> Heard:
    """A band that falls: where, how quickly, how wide."""
    bands, times = torch.linspace(0, 1, 128)[:, None], torch.linspace(0, 1, FRAMES)
    height, decay, width = (x[:, None, None] for x in (height, decay, width))
    bump = -(((bands - height) / (0.05 + 0.1 * width)) ** 2)
    mel = (1 + bump - 4 * decay * times).clamp(-1, 1)
    return Heard(mel, torch.stack([mel.mean(1)] * 3, dim=1))


def sound_of(space: Parameters, vectors: Tensor) -> Heard:
    if space is OLD:
        return heard_of(*vectors.T)
    return heard_of(vectors[:, 1], vectors[:, 0], 1 - vectors[:, 2])


def trained(network: PresetNetwork, knobs: Parameters, steps: int, n_patches: int) -> PresetNetwork:
    """On so many patches, without the parts that no sound is needed for."""
    generator = torch.Generator().manual_seed(0)
    patches = knobs.space.sample(n_patches, generator=generator)
    loss = ParameterLoss(knobs.space, ParameterLossSettings(), dict.fromkeys(knobs.names, 1.0))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(steps):
        some = patches[torch.randint(n_patches, (16,), generator=generator)]
        answer = network.answer(sound_of(knobs, some), torch.full((16,), 60.0))
        optimizer.zero_grad()
        loss(answer, some, torch.full((16,), 1.0))["loss"].backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    return network


def off(network: PresetNetwork) -> float:
    """How far the continuous knobs of patches are off that it never heard."""
    patches = NEW.space.sample(64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        answer = network.answer(sound_of(NEW, patches), torch.full((64,), 60.0))
    return float((answer.knobs - patches[:, :2]).abs().mean())


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("old")
    network = trained(PresetNetwork(SETTINGS, OLD), OLD, 300, 400)
    write_config(folder, "preset", SETTINGS)
    write_weights(folder, network)
    return folder


def test_what_it_hears_stays_and_what_names_knobs_begins_anew(model: Path) -> None:
    old, new = PresetNetwork(SETTINGS, OLD), PresetNetwork(SETTINGS, NEW)
    before = {name: weight.clone() for name, weight in new.state_dict().items()}
    take_over(model, old, "old")
    take_over(model, new, "new")
    for name, weight in new.state_dict().items():
        is_of_knobs = name.startswith(("predictor.answer.", "recommender."))
        theirs = before[name] if is_of_knobs else old.state_dict()[name]
        assert torch.equal(weight, theirs), name


def test_ears_of_another_size_are_refused(model: Path) -> None:
    other = PresetNetwork(SETTINGS.model_copy(update={"latent": 8}), NEW)
    with pytest.raises(BadModel, match="does not fit the settings"):
        take_over(model, other, "new")


def test_after_as_few_steps_it_is_nearer_than_one_that_began_with_nothing(model: Path) -> None:
    figures = {False: 0.0, True: 0.0}
    for seed in range(3):
        for is_adapted in figures:
            torch.manual_seed(seed)
            network = PresetNetwork(SETTINGS, NEW)
            if is_adapted:
                take_over(model, network, "new")
            figures[is_adapted] += off(trained(network, NEW, 10, 40)) / 3
    assert figures[False] > 0.2  # nearly as far off as the middle of the knobs is, 0.25
    assert figures[True] < 0.85 * figures[False]
