"""A note as harmonics, noise and a burst: what they are, and how they sound.

| module      | what                                                          |
|-------------|---------------------------------------------------------------|
| `tracks`    | the curves of a note or a batch of notes                      |
| `bands`     | the bands of noise, and their power in a spectrum             |
| `slots`     | harmonics in groups as wide as the ear's                      |
| `noise`     | looped noise of each band                                     |
| `synthesis` | tracks to audio, as tensors with gradients: the definition    |
| `rendering` | whole notes compiled                                          |
| `learnable` | the same with gradients of levels, compiled by `adjoint`      |
| `voices`    | notes live and block by block, by the same code               |
| `kernel`    | that code: hop by hop; `loops` within it, `state` under it    |
"""

from __future__ import annotations

from timbrel.dsp.tracks.bands import Bands
from timbrel.dsp.tracks.learnable import render_levels
from timbrel.dsp.tracks.rendering import render_tracks
from timbrel.dsp.tracks.synthesis import synthesise
from timbrel.dsp.tracks.tracks import SILENT_DB, TRANSIENT_RATE, Tracks, silence, stack
from timbrel.dsp.tracks.voices import TrackVoices

__all__ = [
    "SILENT_DB",
    "TRANSIENT_RATE",
    "Bands",
    "TrackVoices",
    "Tracks",
    "render_levels",
    "render_tracks",
    "silence",
    "stack",
    "synthesise",
]
