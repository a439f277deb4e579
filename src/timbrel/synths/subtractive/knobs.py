"""The knobs of `subtractive`: those of a patch, and those that are turned while it is played.

    osc 1 (three of it, in unison) --+                     LFO, two envelopes, pitch envelope
    osc 2 (synced to osc 1) ---------+-- drive -- filter -- drive -- level -- reverb
    ring, sub, noise ----------------+

An amount at its minimum does nothing that can be heard.
"""

from __future__ import annotations

from timbrel.sound import Control
from timbrel.synths.parameters import Parameters

WAVEFORMS = ("saw", "square", "pulse", "triangle", "sine", "noise")
FILTERS = ("lowpass_12", "lowpass_24", "highpass", "bandpass")
LFO_SHAPES = ("sine", "triangle", "saw", "square", "random")


def _switch(name: str, default: int, choices: tuple[str, ...], first: int = 0) -> Control:
    return Control(name, "", first, first + len(choices) - 1, default, choices=choices)


def _numbers(name: str, first: int, last: int) -> Control:
    return _switch(name, 0, tuple(f"{number:+d}" for number in range(first, last + 1)), first)


def _share(name: str, default: float, low: float = 0.0, high: float = 1.0) -> Control:
    return Control(name, "", low, high, default)


def _time(name: str, low: float, high: float, default: float) -> Control:
    return Control(name, "s", low, high, default, "log")


PARAMETERS = Parameters((
    _switch("osc1_waveform", 0, WAVEFORMS),
    _share("osc1_pulse_width", 0.25, 0.05, 0.5),
    _numbers("osc1_octave", -2, 2),
    _switch("osc2_waveform", 0, WAVEFORMS),
    _share("osc2_pulse_width", 0.25, 0.05, 0.5),
    _numbers("osc2_octave", -2, 2),
    _numbers("osc2_semitone", -5, 6),
    Control("osc2_detune_cents", "cents", -50.0, 50.0, 7.0),
    _switch("osc2_sync", 0, ("off", "on")),
    _share("osc_mix", 0.0),
    _share("unison", 0.0),
    Control("unison_detune_cents", "cents", 1.0, 50.0, 12.0, "log"),
    _share("ring_modulation", 0.0),
    _share("sub_level", 0.0),
    _share("noise_level", 0.0),
    Control("drive_db", "dB", 0.0, 36.0, 0.0),
    _switch("drive_place", 0, ("before_filter", "after_filter")),
    _switch("filter_type", 1, FILTERS),
    Control("cutoff_hz", "Hz", 40.0, 16000.0, 4000.0, "log"),
    _share("resonance", 0.1),
    _share("key_tracking", 0.3),
    Control("filter_velocity_octaves", "octaves", 0.0, 4.0, 0.5),
    Control("filter_envelope_octaves", "octaves", -6.0, 6.0, 0.0),
    _time("filter_attack_s", 0.001, 4.0, 0.002),
    _time("filter_decay_s", 0.01, 8.0, 0.5),
    _share("filter_sustain", 0.3),
    _time("filter_release_s", 0.01, 4.0, 0.3),
    _time("amp_attack_s", 0.001, 3.0, 0.003),
    _time("amp_decay_s", 0.01, 8.0, 0.5),
    _share("amp_sustain", 0.8),
    _time("amp_release_s", 0.005, 4.0, 0.2),
    _share("amp_velocity", 0.6),
    _switch("lfo_shape", 0, LFO_SHAPES),
    Control("lfo_rate_hz", "Hz", 0.1, 20.0, 5.0, "log"),
    Control("lfo_delay_s", "s", 0.0, 2.0, 0.0),
    Control("lfo_pitch_cents", "cents", 1.0, 1200.0, 1.0, "log"),
    _share("lfo_pulse_width", 0.0, 0.0, 0.4),
    Control("lfo_cutoff_octaves", "octaves", 0.0, 4.0, 0.0),
    _share("lfo_amp", 0.0),
    Control("pitch_envelope_semitones", "semitones", -48.0, 48.0, 0.0),
    _time("pitch_envelope_decay_s", 0.005, 4.0, 0.1),
    _switch("pitch_envelope_to", 0, ("both", "osc2")),
    _share("reverb_mix", 0.0),
    _time("reverb_decay_s", 0.2, 5.0, 1.2),
    Control("reverb_damping_hz", "Hz", 500.0, 16000.0, 5000.0, "log"),
    Control("level_db", "dB", -24.0, 0.0, -6.0),
))  # fmt: skip
"""A patch of `subtractive`, in order."""

CONTROLS = (
    Control("brightness", "octaves", -4.0, 4.0, 0.0),
    Control("resonance", "", -1.0, 1.0, 0.0),
    Control("attack", "", 0.1, 10.0, 1.0, "log"),
    Control("release", "", 0.1, 10.0, 1.0, "log"),
    Control("vibrato", "cents", 0.0, 100.0, 0.0),
    Control("vibrato_rate", "Hz", 0.5, 12.0, 5.5, "log"),
    Control("drive", "dB", 0.0, 24.0, 0.0),
    Control("glide", "s", 0.0, 2.0, 0.0),
)
"""What is turned while notes sound, on top of any patch: brightness moves the cutoff, resonance
adds to the patch's, attack and release multiply its times, drive adds to its drive; vibrato is one
of its own, and glide is what a note takes to come from the pitch of the one before.
"""
