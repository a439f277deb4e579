from __future__ import annotations

from pathlib import Path

import pytest

from timbrel.errors import BadModel
from timbrel.instruments import FAMILIES, Instrument, load, models, registry
from timbrel.instruments.registry import WEIGHTLESS, family_class
from timbrel.instruments.sine import Sine, SineSettings


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty places for shipped models and the user's own."""
    monkeypatch.setattr(registry, "_SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(registry, "user_models", lambda: tmp_path / "mine")
    return tmp_path


def save(folder: Path, level: float) -> Path:
    Sine(SineSettings(level=level)).save(folder)
    return folder


def test_every_family_is_an_instrument_of_that_name() -> None:
    for family in FAMILIES:
        cls = family_class(family)
        assert issubclass(cls, Instrument)
        assert cls.family == family
    assert set(WEIGHTLESS) <= set(FAMILIES)


def test_an_unknown_family_is_refused() -> None:
    known = "ddsp, harmonic, mel_vae, preset, shifted, sine"
    with pytest.raises(BadModel, match=rf"^no family 'tuba': there are {known}$"):
        family_class("tuba")


def test_weightless_families_are_always_there(places: Path) -> None:
    assert models() == {"shifted": None, "sine": None}
    assert isinstance(load("sine"), Sine)


def test_shipped_models_come_before_the_users_and_those_before_a_path(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(places)
    save(places / "horn", 0.1)
    assert load("horn").settings.level == 0.1
    save(places / "mine" / "horn", 0.2)
    assert load("horn").settings.level == 0.2
    save(places / "shipped" / "horn", 0.3)
    assert load("horn").settings.level == 0.3
    assert load(places / "horn").settings.level == 0.1
    assert models()["horn"] == places / "shipped" / "horn"


def test_folders_that_are_no_models_are_not_listed(places: Path) -> None:
    (places / "mine" / "notes").mkdir(parents=True)
    (places / "mine" / "readme.txt").touch()
    assert set(models()) == {"shifted", "sine"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sin", r"^no model 'sin': did you mean 'sine'\?$"),
        ("qqqq", r"^no model 'qqqq': there are shifted, sine$"),
        ("no/such/folder", r"^no model 'no/such/folder': there are"),
        ("a\0b", r"^no model 'a\\x00b': there are"),
    ],
)
def test_a_name_that_is_none_is_refused_with_the_nearest(places, name: str, message: str) -> None:
    with pytest.raises(BadModel, match=message):
        load(name)


def test_a_folder_that_is_no_model_is_refused(places: Path) -> None:
    with pytest.raises(BadModel, match=r"is no model folder: it has no config\.toml$"):
        load(places)
