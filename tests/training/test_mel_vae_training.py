"""mel_vae's training, whole: on tones whose brightness is known, down to a model that plays."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import torch
from objectives import batch_of, losses, without_gradient
from tones import PITCHES, SLOPES, VELOCITIES, make_tones

from timbrel.config import make_settings, to_toml
from timbrel.data.notes.encoding import encode_notes
from timbrel.data.notes.note_set import NoteSet
from timbrel.errors import BadConfig, BadInput
from timbrel.instruments import load
from timbrel.instruments.mel_vae import MelVAE
from timbrel.sound import Notes
from timbrel.training import train
from timbrel.training.banks.bank import make_bank
from timbrel.training.mel_vae.note_mels import AugmentSettings
from timbrel.training.mel_vae.objective import MelVAEObjective, MelVAETraining, floored

STEPS = 160
PLAIN = AugmentSettings(cross=0, equalise=0, layer=0, decay=0, attack=0)


@pytest.fixture(scope="module")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tones(tmp_path_factory.mktemp("tones") / "nsynth-train")


def settings_for(tones: Path, **tables) -> MelVAETraining:
    return make_settings(MelVAETraining, {
        "size": "tiny",
        "data": {"train": str(tones), "wanted_frames": 16} | tables.pop("data", {}),
        "model": {"latent": 8, "crop": 32},
        "loop": {
            "steps": STEPS, "batch_size": 16, "learning_rate": 4e-3, "warmup_steps": 10,
            "device": "cpu", "workers": 0, "ema_decay": 0.95, "validate_every": 0,
            "save_every": 0, "preview_every": 0,
        } | tables.pop("loop", {}),
        **tables,
    })  # fmt: skip


@pytest.mark.parametrize("kl_weight", [0.0, 3e-5])
def test_every_parameter_gets_a_gradient(tones: Path, kl_weight: float) -> None:
    objective = MelVAEObjective(settings_for(tones, objective={"kl_weight": kl_weight}))
    assert without_gradient(objective) == []


def test_the_loss_is_the_sum_of_its_parts(tones: Path) -> None:
    objective = MelVAEObjective(settings_for(tones, objective={"kl_weight": 0.01}))
    found = losses(objective)
    parts = found["log_mel_l1_db"] / 40 + 0.1 * found["level_error_db"] / 40
    assert found["loss"] == pytest.approx(parts + 0.01 * found["kl_nats"], rel=1e-4)


def test_without_kl_it_is_a_plain_autoencoder(tones: Path) -> None:
    """Nothing is drawn, in training or validation, and nothing is said of KL."""
    objective = MelVAEObjective(settings_for(tones, objective={"kl_weight": 0.0}))
    assert losses(objective, seed=1) == losses(objective, seed=2)
    assert losses(objective, "validate") == losses(objective)
    assert set(losses(objective)) == {"loss", "log_mel_l1_db", "level_error_db"}


def test_with_kl_training_draws_and_validation_takes_the_mean(tones: Path) -> None:
    objective = MelVAEObjective(settings_for(tones))
    assert losses(objective, seed=1) != losses(objective, seed=2)
    assert losses(objective, seed=1) == losses(objective, seed=1)
    assert losses(objective, "validate", 1) == losses(objective, "validate", 2)


@pytest.mark.parametrize("kl_weight", [0.0, 3e-5])
def test_it_overfits_one_batch(tones: Path, kl_weight: float) -> None:
    torch.manual_seed(0)
    tables = {"objective": {"kl_weight": kl_weight}, "data": {"augment": PLAIN.model_dump()}}
    objective = MelVAEObjective(settings_for(tones, **tables))
    batch = batch_of(objective, 8)
    optimizer = torch.optim.Adam(objective.parameters(), lr=4e-3)
    before = losses(objective, "validate")
    for step in range(100):
        optimizer.zero_grad()
        objective(batch, "train", torch.Generator().manual_seed(step))["loss"].backward()
        optimizer.step()
    after = objective(batch, "validate", torch.Generator())
    assert float(after["log_mel_l1_db"]) < 0.3 * before["log_mel_l1_db"]
    assert float(after["log_mel_l1_db"]) < 5
    assert float(after["level_error_db"]) < 2


def test_below_the_floor_gradients_still_climb() -> None:
    level_db = torch.tensor([-130.0, -80.0, -30.0], requires_grad=True)
    held = floored(level_db)
    held.sum().backward()
    assert held.tolist() == pytest.approx([-81.0, -80.0, -30.0])
    assert level_db.grad is not None
    assert level_db.grad.tolist() == pytest.approx([0.02, 1.0, 1.0])


@pytest.fixture(scope="module")
def run(tones: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run with a validation set, previews and further sounds for the bank."""
    torch.manual_seed(0)
    more = make_tones(tones.parent / "nsynth-test", ["organ_synthetic_007"], [60])
    folder = tmp_path_factory.mktemp("runs") / "tones"
    settings = settings_for(
        tones,
        data={"validation": str(tones), "augment": {"cross": 0.3, "equalise": 0.0}},
        bank={"also": [str(more)]},
        loop={"preview_every": STEPS, "validate_every": STEPS // 2},
    )
    assert train(settings, folder) == folder / "model"
    return folder


@pytest.fixture(scope="module")
def instrument(run: Path) -> MelVAE:
    loaded = load(run / "model")
    assert isinstance(loaded, MelVAE)
    return loaded


def test_a_run_leaves_a_model_with_its_card_and_previews(run: Path) -> None:
    written = {path.name for path in (run / "model").iterdir()}
    wanted = {"config.toml", "weights.safetensors", "bank.safetensors", "README.md"}
    assert wanted <= written
    card = (run / "model" / "README.md").read_text(encoding="utf-8")
    for said in ("# mel_vae, tiny", "40 notes of 4 instruments", f"{STEPS} steps of 16 pairs"):
        assert said in card
    for said in ("5 sounds, 6 means, ", "variational", "| log_mel_l1_db |"):
        assert said in card
    previews = sorted(path.suffix for path in (run / "previews").rglob("notes_*"))
    assert previews == [".png", ".wav"]


def test_it_has_learned(run: Path) -> None:
    rows = (run / "log.csv").read_text(encoding="utf-8").splitlines()
    place = rows[0].split(",").index("validation/log_mel_l1_db")
    errors_db = [float(row.split(",")[place]) for row in rows[1:] if row.split(",")[place]]
    assert errors_db[-1] < 10
    assert errors_db[-1] < errors_db[0]


def test_the_bank_holds_sounds_means_and_directions(instrument: MelVAE) -> None:
    bank = instrument.bank
    assert bank is not None
    assert set(bank.names("sound")) == {*SLOPES, "organ_synthetic_007"}
    families = {"strings", "reeds", "keyboards", "flutes"}
    assert set(bank.names("mean")) == families | {"acoustic", "electronic"}
    assert {"bright", "dark"} <= set(bank.names("direction"))
    assert float(torch.cosine_similarity(bank["dark"], bank["bright"], 0)) < -0.9
    kin = [bank[name] for name in ("strings", "reeds", "flutes")]
    torch.testing.assert_close(bank["acoustic"], torch.stack(kin).mean(0))


def test_a_sound_of_the_bank_is_the_mean_of_its_notes_in_the_middle(
    instrument: MelVAE, tones: Path
) -> None:
    notes = NoteSet.open(tones)
    own = (notes.instrument == 0) & (notes.pitch >= 45) & (notes.pitch <= 75)
    timbres = encode_notes(instrument, notes, own.nonzero()[:, 0])
    assert timbres.shape == (len(PITCHES) * len(VELOCITIES), 8)
    assert instrument.bank is not None
    stored = instrument.bank[notes.instruments[0]]
    # The bank was made before the weights went to 16 bits.
    torch.testing.assert_close(stored, timbres.mean(0), atol=0.02, rtol=0.02)


def centroid_octaves(instrument: MelVAE, timbre: torch.Tensor) -> float:
    audio = instrument.render(Notes.of(55, 0.9, 0.4), timbre).audio[0, 1000:6000]
    power = torch.fft.rfft(audio * torch.hann_window(len(audio))).abs().square()[20:]
    octaves = (torch.arange(20, 20 + len(power)) * 16000 / len(audio)).log2()
    return float((power * octaves).sum() / power.sum())


def test_its_sounds_are_as_bright_as_what_it_heard(instrument: MelVAE) -> None:
    """Slopes 0.5, 1, 2, 4: the steeper, the darker."""
    assert instrument.bank is not None
    brightness = [centroid_octaves(instrument, instrument.bank[name]) for name in SLOPES]
    assert brightness == sorted(brightness, reverse=True)


def test_its_directions_move_the_centroid_the_right_way(instrument: MelVAE) -> None:
    bank = instrument.bank
    assert bank is not None
    for name in SLOPES:
        darker, plain, brighter = (
            centroid_octaves(instrument, bank[name] + step * bank["bright"]) for step in (-1, 0, 1)
        )
        assert darker < plain < brighter


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"data": {"wanted_frames": 24}}, r"data\.wanted_frames = 24: .* multiple of 16$"),
        (
            {"data": {"wanted_frames": 64}},
            r"data\.wanted_frames = 64 is more than model\.crop",
        ),
        ({"objective": {"kl_weight": -1}}, r"objective\.kl_weight = -1: Input should be greater"),
        ({"data": {"augment": {"cross": 15}}}, r"data\.augment\.cross = 15: .* less than"),
        ({"data": {"augmnt": {}}}, r"unknown key 'data\.augmnt', did you mean 'data\.augment'\?$"),
    ],
)
def test_settings_that_cannot_work_are_refused(tones: Path, tables, message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        settings_for(tones, **tables)


@pytest.mark.parametrize(
    ("names", "renamed", "message"),
    [
        ("own", "reed_acoustic_001", "2 sounds called 'reed_acoustic_001': rename an instrument$"),
        (
            "own",
            "bright",
            "^an instrument is called 'bright' as a direction is: rename the",
        ),
        ("general_midi", "my reed", "'my reed' is no General MIDI program: set bank.names = 'own'"),
        ("general_midi", "reed_x_200", "'reed_x_200' is no General MIDI program"),
    ],
)
def test_a_bank_that_could_not_be_made_is_refused_before_training(
    tmp_path: Path, tones: Path, names: str, renamed: str, message: str
) -> None:
    more = make_tones(tmp_path / "more", ["organ_acoustic_009"], [60])
    text = (more / "examples.json").read_text(encoding="utf-8")
    key = '"instrument_str": '
    text = text.replace(f'{key}"organ_acoustic_009"', f'{key}"{renamed}"')
    (more / "examples.json").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        MelVAEObjective(settings_for(tones, bank={"names": names, "also": [str(more)]}))


def test_a_set_for_the_bank_that_is_not_there_is_missed_before_training(tones: Path) -> None:
    with pytest.raises(BadInput, match="no note set at nowhere"):
        MelVAEObjective(settings_for(tones, bank={"also": ["nowhere"]}))


def test_a_folder_called_strings_keeps_its_name_and_that_mean_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    strings = make_tones(tmp_path / "set", ["string_acoustic_000"], [60])
    listing = strings / "examples.json"
    key = '"instrument_str": '
    text = listing.read_text(encoding="utf-8")
    listing.write_text(
        text.replace(f'{key}"string_acoustic_000"', f'{key}"strings"'), encoding="utf-8"
    )
    settings = settings_for(strings, bank={"directions": []})
    objective = MelVAEObjective(settings)
    instrument = MelVAE(settings.model, objective.network)
    bank = make_bank(instrument, objective.train_set.notes, (), settings.bank)
    assert (bank.names("sound"), bank.names("mean")) == (("strings",), ("acoustic",))
    told = "the bank gets no mean 'strings': an instrument is called so"
    assert [record.getMessage() for record in caplog.records] == [told]


def test_a_handful_of_notes_makes_a_bank_without_directions(tmp_path: Path) -> None:
    few = make_tones(tmp_path / "few", ["reed_acoustic_001"], [60])
    folder = train(settings_for(few, loop={"steps": 1}), tmp_path / "run")
    bank = load(folder).bank
    assert bank is not None
    assert bank.names() == ("reed_acoustic_001", "reeds", "acoustic")


@pytest.mark.parametrize("validation", [None, "data/held-out"])
def test_settings_come_back_from_the_file_of_a_run(tones: Path, validation: str | None) -> None:
    settings = settings_for(tones, data={"validation": validation})
    assert make_settings(MelVAETraining, tomllib.loads(to_toml(settings))) == settings
