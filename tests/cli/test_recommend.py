"""recommend: a patch in, patches like it out, and what is wrong said in a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from timbrel.cli.patches.recommending import _remark
from timbrel.instruments.preset import Preset, PresetSettings
from timbrel.instruments.preset.recommending import Suggestion
from timbrel.synths.files import parameters_of, read_patch
from timbrel.timbre import Bank

PATCH = "synth = 'subtractive'\nname = 'Plain'\n[values]\ncutoff_hz = 700.0\n"


@pytest.fixture
def model(tmp_path: Path) -> str:
    torch.manual_seed(1)
    instrument = Preset(PresetSettings(size="tiny", latent=16, point=8))
    instrument.bank = Bank(instrument.fingerprint)
    instrument.bank.add("plain_saw", instrument.synth.parameters.defaults, "sound", "")
    folder = tmp_path / "a_model"
    folder.mkdir()
    instrument.save(folder)
    return str(folder)


def test_patches_a_sound_and_a_picture_are_written(timbrel: Any, model: str) -> None:
    Path("plain.toml").write_text(PATCH)
    words = ("recommend", "plain.toml", "darker", "--model", model, "--out", "out", "--json")
    ran = timbrel(*words, "--count", "2", "--pitch", "C3", "--duration", "0.5")
    assert ran.code == 0, ran
    found = json.loads("\n".join(ran.out))["suggestions"]
    assert len(found) == 2
    assert {path.suffix for path in Path("out").iterdir()} >= {".png", ".wav", ".toml"}
    names = sorted(path.name for path in Path("out").glob("*.toml"))
    assert len(names) == 2
    before, written = read_patch("plain.toml"), read_patch(Path("out") / names[0])
    assert written.name == "1 Plain, darker"
    knobs = parameters_of("subtractive")
    assert knobs is not None
    was, is_now = (knobs.named(patch.values) for patch in (before, written))
    assert found[0]["turned"]
    for name, (old, new) in found[0]["turned"].items():
        assert was.get(name, old) == _about(old)
        assert is_now[name] == _about(new)
    assert set(found[0]["moved"]) >= {"brightness", "attack", "tail"}


def _about(value: float | str) -> Any:
    return value if isinstance(value, str) else pytest.approx(value, rel=1e-4, abs=1e-4)


def test_what_falls_short_is_said() -> None:
    wish = torch.tensor([2.0, -1.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0])
    moved = torch.tensor([1.1, -0.9, 0.1, 0.3, 0.0, 0.0, 0.0, 0.0])
    assert _remark("such", Suggestion(moved, moved, 0.0), wish) == (
        "such: heard brighter by 1.1 of 2.0, thinner by 0.9, noisier by 0.3, no slower "
        "(standard deviations over patches)"
    )


def test_suggestions_that_are_few_are_said(timbrel: Any, model: str) -> None:
    Path("saw.toml").write_text("synth = 'subtractive'\n[values]\ncutoff_hz = 900.0\n")
    words = ("recommend", "saw.toml", "darker", "--model", model, "--duration", "0.5")
    ran = timbrel(*words, "--count", "64")
    assert ran.code == 0, ran
    count = len([path for path in ran.written if path.suffix == ".toml"])
    assert ran.err[-1].endswith(
        f"{count} of 64: all else that was tried is alike, silent or in another key"
    )


def test_a_wish_may_be_long(timbrel: Any, model: str) -> None:
    wish = " and ".join(["please make it slightly darker"] * 9)
    words = ("recommend", "plain_saw", wish, "--model", model, "--duration", "0.3", "--out", "out")
    ran = timbrel(*words, "--count", "1")
    assert ran.code == 0, ran
    (path,) = Path("out").glob("*.toml")
    assert read_patch(path).author == f"timbrel, {wish}"[:60].rstrip()


def test_a_sound_of_the_bank_can_be_named(timbrel: Any, model: str) -> None:
    ran = timbrel("recommend", "plain_saw", "slower", "--model", model, "--duration", "0.3")
    assert ran.code == 0, ran
    assert 1 <= len([path for path in ran.written if path.suffix == ".toml"]) <= 3


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ("plain_saw", "louder"),
            "'louder' is no change of timbre: what is suggested is as loud as before",
        ),
        (("plain_saw", "please"), "asks for no change"),
        (("plain_saw", "a bit"), "how much is said, but not of what: say it like"),
        (
            ("plain_saw", "not brighter"),
            "'not brighter' may mean two things: say 'less bright', or 'darker'",
        ),
        (("plain_sow", "darker"), "did you mean 'plain_saw'"),
        (("missing.toml", "darker"), "no file of patches at missing.toml"),
        (
            ("plain_saw", "darker", "--model", "sine"),
            "sine is of family sine, wanted one of preset",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(
    timbrel: Any, model: str, words: tuple[str, ...], line: str
) -> None:
    named = () if "--model" in words else ("--model", model)
    ran = timbrel("recommend", *words, *named)
    assert ran.code == 2
    assert len(ran.err) == 1
    assert line in ran.err[0]
    assert not ran.written
