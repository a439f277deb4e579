"""What a patch means for a note: numbers that the sound is made of, and gradients reach.

Everything is a number that may move: a waveform is a weight for each, a filter type a weight for
each of its outputs. So a note that sounds goes over to another patch without a click.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from timbrel.synths.subtractive.knobs import CONTROLS, LFO_SHAPES, PARAMETERS, WAVEFORMS
from timbrel.units import db_to_amplitude

WAVES = ("saw", "pulse", "triangle", "sine", "noise")
"""What oscillators mix: a square is a pulse of half a period, which no LFO moves."""

COLUMNS = (
    "semitones1", "semitones2", "sharper", "flatter",
    *(f"{wave}{osc}" for osc in (1, 2) for wave in WAVES),
    "width1", "width2", "lfo_width1", "lfo_width2", "sync",
    "level1", "level2", "level_unison", "ring", "sub", "noise",
    "pre_gain", "pre_mix", "pre_make_up", "post_gain", "post_mix", "post_make_up",
    "out_low", "out_band", "out_high", "out_low_24", "damping",
    "cutoff", "cutoff_envelope", "cutoff_lfo",
    "filter_attack", "filter_decay", "filter_sustain", "filter_release",
    "amp_attack", "amp_decay", "amp_sustain", "amp_release", "gain", "amp_lfo",
    *(f"lfo_{shape}" for shape in LFO_SHAPES), "lfo_rate", "lfo_delay", "lfo_semitones",
    "vibrato_rate", "vibrato", "sweep1", "sweep2", "sweep_s",
    "dry", "wet", "tail", "absorb", *(f"feedback{line}" for line in range(4)),
)  # fmt: skip
"""The numbers of a voicing: pitches in semitones, copies as ratios, cutoffs in octaves above 1 Hz,
times in s.
"""

COLUMN = {name: number for number, name in enumerate(COLUMNS)}
LINES_S = (0.0297, 0.0371, 0.0437, 0.0533)
"""The delays that the reverb goes round in."""

_LEVELLED_AT = 0.7
_SHARPEST, _BLUNTEST = 0.05, 1.8

HIGHEST_CUTOFF = 0.44
"""Of the filter, in cycles per sample."""


def voice(
    patches: Float[Tensor, "notes params"],
    pitch: Float[Tensor, " notes"],
    velocity: Float[Tensor, " notes"],
    controls: Mapping[str, float],
    sample_rate: int,
) -> Float64[Tensor, "notes columns"]:
    """Voicings of patch vectors, in the order of `COLUMNS`.

    Args:
        patches: one for each note, legal.
        pitch: MIDI numbers.
        velocity: 0..1.
        controls: values for some of `CONTROLS`; the others stand at their defaults.
        sample_rate: in Hz.
    """
    knobs = _in_units(patches.double())
    turned = {c.name: c.clip(controls.get(c.name, c.default)) for c in CONTROLS}
    pitch, velocity = pitch.double(), velocity.double()
    made = (
        _pitches(knobs, pitch)
        | _waves(knobs)
        | _levels(knobs)
        | _drives(knobs, turned)
        | _filter(knobs, turned, pitch, velocity, sample_rate)
        | _envelopes(knobs, turned, velocity)
        | _movements(knobs, turned)
        | _reverb(knobs, sample_rate)
    )
    return torch.stack([made[name].expand(len(patches)) for name in COLUMNS], 1)


_LOW = torch.tensor([c.minimum for c in PARAMETERS], dtype=torch.float64)
_SPAN = torch.tensor([c.maximum - c.minimum for c in PARAMETERS], dtype=torch.float64)
_IS_LOG = torch.tensor([c.curve == "log" for c in PARAMETERS])
_OCTAVES = torch.tensor(
    [math.log2(c.maximum / c.minimum) if c.curve == "log" else 0.0 for c in PARAMETERS],
    dtype=torch.float64,
)


def _in_units(patches: Float64[Tensor, "notes params"]) -> dict[str, Tensor]:
    """Knobs in their units; of switches, the number of the choice."""
    straight = torch.where(PARAMETERS.is_switch, patches, _LOW + _SPAN * patches)
    values = torch.where(_IS_LOG, _LOW * torch.exp2(_OCTAVES * patches), straight)
    return dict(zip(PARAMETERS.names, values.unbind(1), strict=True))


def _chosen(knobs: dict[str, Tensor], name: str) -> Tensor:
    """A switch of numbers, as the number that it says."""
    return knobs[name] + PARAMETERS.controls[PARAMETERS.names.index(name)].minimum


def _pitches(knobs: dict[str, Tensor], pitch: Tensor) -> dict[str, Tensor]:
    detune = knobs["osc2_detune_cents"] / 100
    interval = 12 * _chosen(knobs, "osc2_octave") + _chosen(knobs, "osc2_semitone") + detune
    cents_up = torch.exp2(knobs["unison_detune_cents"] / 1200)
    return {
        "semitones1": pitch + 12 * _chosen(knobs, "osc1_octave"),
        "semitones2": pitch + interval,
        "sharper": cents_up,
        "flatter": 1 / cents_up,
    }


def _waves(knobs: dict[str, Tensor]) -> dict[str, Tensor]:
    made = {"sync": knobs["osc2_sync"]}
    for osc in (1, 2):
        waveform = knobs[f"osc{osc}_waveform"]
        is_of = {wave: (waveform == n).double() for n, wave in enumerate(WAVEFORMS)}
        made |= {f"{wave}{osc}": is_of[wave] for wave in WAVES}
        made[f"pulse{osc}"] = is_of["pulse"] + is_of["square"]
        width = knobs[f"osc{osc}_pulse_width"]
        made[f"width{osc}"] = width + (0.5 - width) * is_of["square"]
        made[f"lfo_width{osc}"] = knobs["lfo_pulse_width"] * (1 - is_of["square"])
    return made


def _levels(knobs: dict[str, Tensor]) -> dict[str, Tensor]:
    """What is mixed keeps its power; what is added is added."""
    mix, unison = knobs["osc_mix"] * (math.pi / 2), knobs["unison"]
    first, alone = mix.cos(), (1 + 2 * unison**2).rsqrt()
    straight = 1 - knobs["ring_modulation"]
    return {
        "level1": first * alone * straight,
        "level_unison": first * alone * unison * straight,
        "level2": mix.sin() * straight,
        "ring": knobs["ring_modulation"],
        "sub": knobs["sub_level"],
        "noise": knobs["noise_level"],
    }


def _drives(knobs: dict[str, Tensor], turned: dict[str, float]) -> dict[str, Tensor]:
    drive_db = knobs["drive_db"] + turned["drive"]
    made = {}
    for number, place in enumerate(("pre", "post")):
        here_db = drive_db * (knobs["drive_place"] == number)
        gain = db_to_amplitude(here_db)
        made[f"{place}_gain"] = gain
        made[f"{place}_mix"] = (here_db / 6).clamp(max=1)
        # a wave of the usual height keeps it
        made[f"{place}_make_up"] = (1 + (_LEVELLED_AT * gain) ** 2).sqrt() / gain
    return made


def _filter(
    knobs: dict[str, Tensor],
    turned: dict[str, float],
    pitch: Tensor,
    velocity: Tensor,
    sample_rate: int,
) -> dict[str, Tensor]:
    resonance = (knobs["resonance"] + turned["resonance"]).clamp(0, 1)
    damping = _BLUNTEST * (_SHARPEST / _BLUNTEST) ** resonance
    tamed = (damping / _BLUNTEST) ** 0.4
    low, low_24, high, band = (knobs["filter_type"] == n for n in range(4))
    follows = knobs["key_tracking"] * (pitch - 60) / 12
    softer = knobs["filter_velocity_octaves"] * (velocity - 1)
    cutoff = (
        knobs["cutoff_hz"].clamp(max=HIGHEST_CUTOFF * sample_rate).log2() + turned["brightness"]
    )
    return {
        "out_low": low * tamed,
        "out_low_24": low_24 * tamed,
        "out_high": high * tamed,
        "out_band": band * tamed * damping.clamp(min=0.4),
        "damping": damping,
        "cutoff": cutoff + follows + softer,
        "cutoff_envelope": knobs["filter_envelope_octaves"],
        "cutoff_lfo": knobs["lfo_cutoff_octaves"],
    }


def _envelopes(
    knobs: dict[str, Tensor], turned: dict[str, float], velocity: Tensor
) -> dict[str, Tensor]:
    made = {}
    for what in ("filter", "amp"):
        made[f"{what}_attack"] = (knobs[f"{what}_attack_s"] * turned["attack"]).clamp(min=1e-3)
        made[f"{what}_decay"] = knobs[f"{what}_decay_s"]
        made[f"{what}_sustain"] = knobs[f"{what}_sustain"]
        made[f"{what}_release"] = (knobs[f"{what}_release_s"] * turned["release"]).clamp(min=2e-3)
    struck = 1 + knobs["amp_velocity"] * (velocity**2 - 1)
    made["gain"] = db_to_amplitude(knobs["level_db"]) * struck
    made["amp_lfo"] = knobs["lfo_amp"]
    return made


def _movements(knobs: dict[str, Tensor], turned: dict[str, float]) -> dict[str, Tensor]:
    sweep, one = knobs["pitch_envelope_semitones"], torch.ones(1, dtype=torch.float64)
    shapes = {f"lfo_{s}": (knobs["lfo_shape"] == n).double() for n, s in enumerate(LFO_SHAPES)}
    return shapes | {
        "lfo_rate": knobs["lfo_rate_hz"],
        "lfo_delay": knobs["lfo_delay_s"],
        "lfo_semitones": (knobs["lfo_pitch_cents"] - 1) / 100,
        "vibrato_rate": turned["vibrato_rate"] * one,
        "vibrato": turned["vibrato"] / 100 * one,
        "sweep1": sweep * (knobs["pitch_envelope_to"] == 0),
        "sweep2": sweep,
        "sweep_s": knobs["pitch_envelope_decay_s"],
    }


def _reverb(knobs: dict[str, Tensor], sample_rate: int) -> dict[str, Tensor]:
    decay_s, mix = knobs["reverb_decay_s"], knobs["reverb_mix"]
    absorbed = torch.exp(-2 * math.pi * knobs["reverb_damping_hz"] / sample_rate)
    lines = {f"feedback{n}": db_to_amplitude(-60 * s / decay_s) for n, s in enumerate(LINES_S)}
    return lines | {
        "dry": (mix * (math.pi / 2)).cos(),
        # a longer tail gathers more of what comes in
        "wet": (mix * (math.pi / 2)).sin() * (decay_s + 0.3).rsqrt(),
        "tail": decay_s * (mix > 0),
        "absorb": 1 - absorbed,
    }
