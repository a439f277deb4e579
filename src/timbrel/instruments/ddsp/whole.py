"""Whole performances from which nothing is learned: what a follower plays, without waiting."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.dsp.compiling import kernel
from timbrel.dsp.listening import FRAME_RATE
from timbrel.dsp.tracks.kernel import play
from timbrel.dsp.tracks.state import NEVER, silent_voices
from timbrel.instruments.ddsp.frames import frames_of, push_said
from timbrel.instruments.ddsp.knobs import Knobs
from timbrel.instruments.ddsp.network import Asked, DdspNetwork, Said
from timbrel.instruments.ddsp.turning import Turning

_AT_ONCE = 32
"""Frames that are pushed before they are played: few enough for the processor's cache."""


def play_whole(
    network: DdspNetwork,
    asked: Asked,
    said: Said,
    knobs: Knobs,
    n_partials: int,
    noise_start: Int[Tensor, " batch"] | None = None,
) -> Float[Tensor, "batch time"]:
    """What was said as audio without the room: on the CPU, and without gradients."""
    rate, n_bands = network.settings.sample_rate, network.bands.n_bands
    frames, turned = frames_of(network, rate, n_partials), Turning.at(knobs, rate).knobs
    levels = torch.cat([said.partial_db, said.noise_db], -1).detach().float().numpy()
    f0_hz = asked.f0_hz.detach().double().numpy()
    length = round((f0_hz.shape[1] - 1) / FRAME_RATE * rate)
    audio = np.zeros((len(f0_hz), length), np.float32)
    # the hop that was played last is still wanted: its phases are carried on when the next begins
    state = silent_voices(
        1, rate, FRAME_RATE, n_harmonics=n_partials, n_bands=n_bands, n_frames=_AT_ONCE + 2
    )
    takes = [0] * len(f0_hz) if noise_start is None else noise_start.tolist()
    for row, take in enumerate(takes):
        state.of[["at", "hops", "until", "left", "right", "pushed"]] = 0
        state.of["is_sounding"], state.of["fade_at"] = True, NEVER
        state.ratio[0], state.phase[0] = np.arange(1, n_partials + 1), 0.0
        state.noise_at[0] = take % state.loops
        _play(state, frames, turned, levels[row], f0_hz[row], audio[row])
    return torch.from_numpy(audio)


@kernel
def _play(state, frames, knobs, levels, f0_hz, out):
    begin = 0
    for frame in range(len(f0_hz)):
        push_said(state, frames, knobs, 0, levels[frame], f0_hz[frame], 0.0)
        if frame % _AT_ONCE == _AT_ONCE - 1 or frame == len(f0_hz) - 1:
            end = min(np.int64(np.ceil(frame * state.of[0].hop)), len(out))
            play(state, out[begin:end])
            begin = end
