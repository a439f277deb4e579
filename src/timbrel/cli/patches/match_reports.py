"""What `timbrel match` says of the patches it found: figures for programs, lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.instruments.preset import Match, PatchFinder
from timbrel.instruments.preset.answers import doubts
from timbrel.instruments.preset.hearing.heard import fitted
from timbrel.instruments.preset.hearing.target import Target
from timbrel.instruments.preset.matching.finishing import is_volume_spent
from timbrel.synths import Synth
from timbrel.units import pitch_name, power_to_db

_UNEQUAL_DB = 2.0
"""A level that is further off is said."""


def match_figures(
    finder: PatchFinder, found: Sequence[Match], sounds: Sequence[Tensor], target: Target
) -> dict[str, Any]:
    """How near they come, and where the knobs stand."""
    knobs, note = finder.synth.parameters, found[0].note
    pitch = float(note.pitch)
    figures = {
        "key": pitch_name(round(pitch)),
        "cents": round(100 * (pitch - round(pitch))),
        "held_s": round(float(note.duration_s), 3),
        "patches": [
            {
                "by": one.by,
                "mss_db": round(one.distance_db, 3),
                "liked_db": round(one.liked_db, 3),
                "louder_db": round(_louder_db(sound, target.audio), 2),
                "values": knobs.named(knobs.values(one.vector)),
            }
            for one, sound in zip(found, sounds, strict=True)
        ],
    }
    return figures | {"doubt": _doubt(finder, target)}


def match_remarks(
    sound: Path, target: Target, figures: dict[str, Any], *, is_told: bool
) -> list[str]:
    """What was heard, what is odd about it, and a line for each patch; `is_told` the key or not."""
    remarks = []
    if target.is_cut:
        remarks.append(f"{sound} holds several notes: the first is heard, {target.length_s:.2f} s")
    if not target.is_pitched:
        remarks.append(f"no pitch can be heard in {sound}: it is played by C4")
    another = "" if is_told else " (--pitch names another)"
    remarks.append(f"played by {figures['key']} {figures['cents']:+d} cents{another}, "
                   f"held for {figures['held_s']:.2f} s")  # fmt: skip
    for number, one in enumerate(figures["patches"], 1):
        liked = f", liked by {one['liked_db']:+.1f} dB" if one["liked_db"] else ""
        remarks.append(f"{number}: {one['mss_db']:.1f} dB away, by {one['by']}{liked}")
    return remarks


def unequal_level(
    synth: Synth, vector: Float[Tensor, " params"], sound: Tensor, target: Tensor, than: str
) -> str:
    """What is to be said of a patch that is not as loud as something; else nothing."""
    louder = _louder_db(sound, target)
    if abs(louder) < _UNEQUAL_DB:
        return ""
    said = f"{abs(louder):.0f} dB {'louder' if louder > 0 else 'softer'} than {than}"
    spent = is_volume_spent(synth, vector)
    return f"{said}: no knob of volume goes further" if spent else said


def with_files(figures: dict[str, Any], paths: Sequence[Path]) -> dict[str, Any]:
    """The figures with what was written: files of the patches, the best one's sound, a picture."""
    *files, sound, picture = paths
    each = len(files) // len(figures["patches"])
    patches = [
        {**one, "files": files[number * each : (number + 1) * each]}
        for number, one in enumerate(figures["patches"])
    ]
    return figures | {"patches": patches, "sound": sound, "picture": picture}


def _louder_db(sound: Float[Tensor, " time"], target: Float[Tensor, " _"]) -> float:
    ours, theirs = (fitted(one).square().mean().clamp_min(1e-12) for one in (sound, target))
    return float(power_to_db(ours / theirs))


@torch.no_grad()
def _doubt(finder: PatchFinder, target: Target) -> dict[str, float]:
    """How unsure the network is of each knob: shares of its way, or odds of another choice."""
    if finder.network is None:
        return {}
    knobs = finder.synth.parameters
    answer = finder.network.answer(target.heard, torch.tensor([target.pitch]))
    unsure = doubts(knobs.space, answer)[0].tolist()
    return {name: round(value, 3) for name, value in zip(knobs.names, unsure, strict=True)}
