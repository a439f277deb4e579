"""Blends and inventions of a synthesizer leave its patches beside their sounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import timbrel as tb
from timbrel.synths.files import read_patch

MODEL = ("--model", "preset-subtractive")


def test_a_blend_is_a_patch_that_sounds_like_it(timbrel: Any) -> None:
    ran = timbrel("blend", "0.5*garage_stack + 0.5*acid_gutter", *MODEL, "--duration", "0.5")
    assert [path.suffix for path in ran.paths] == [".wav", ".toml"]
    patch = read_patch(ran.paths[1])
    assert (patch.synth, patch.name) == ("subtractive", "0.5*garage_stack + 0.5*acid_gutter")
    again = timbrel("blend", ran.paths[1], *MODEL, "--duration", "0.5", "--out", "again.wav")
    sounds = [tb.read_audio(path, 44100) for path in (ran.paths[0], again.paths[0])]
    assert sounds[0].abs().max() > 0.01
    torch.testing.assert_close(*sounds, rtol=0, atol=1e-3)


def test_the_patch_of_a_blend_does_not_replace_one_that_it_reads(timbrel: Any) -> None:
    text = "synth = 'subtractive'\nname = 'Mine'\n[values]\ncutoff_hz = 700.0\n"
    Path("mine.toml").write_text(text)
    words = ("0.5*'mine.toml' + 0.5*garage_stack", *MODEL, "--duration", "0.1")
    assert "mine.toml is what is read" in timbrel("blend", *words, "--out", "mine.wav").refusal
    assert Path("mine.toml").read_text() == text


@pytest.mark.parametrize("count", [1, 2])
def test_inventions_are_patches_too(timbrel: Any, count: int) -> None:
    ran = timbrel("generate", "--count", count, *MODEL, "--duration", "0.1")
    patches = [path for path in ran.paths if path.suffix == ".toml"]
    assert len(patches) == count
    assert all(path.with_suffix(".wav").is_file() for path in patches)
    assert all(read_patch(path).synth == "subtractive" for path in patches)


def test_other_instruments_have_none(timbrel: Any) -> None:
    ran = timbrel("blend", "0.5*flute + 0.5*piano", "--duration", "0.1")
    assert [path.suffix for path in ran.paths] == [".wav"]
