"""From a performance to what the decoder is asked, and from what it says to sound."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from timbrel.dsp.clearness import pitched
from timbrel.dsp.listening import FRAME_RATE
from timbrel.dsp.tracks import SILENT_DB, Tracks, render_levels, synthesise
from timbrel.dsp.tracks.tracks import TRANSIENT_TICKS
from timbrel.instruments.ddsp.frames import MOST_PARTIALS
from timbrel.instruments.ddsp.knobs import Knobs
from timbrel.instruments.ddsp.network import Asked, DdspNetwork, Said
from timbrel.instruments.ddsp.whole import play_whole
from timbrel.sound import Performance
from timbrel.units import db_to_amplitude

MIDDLE_HZ = 261.6
"""Until a pitch is heard."""

PLAIN = Knobs()
"""Nothing is turned."""


def asked_of(performance: Performance) -> Asked:
    """A performance as the decoder is asked for it: a batch of one.

    A frame without a sure pitch has that of the last one that had.

    >>> curve = torch.tensor([0.0, 220.0, 90.0])
    >>> heard = Performance(curve, curve - 200, torch.tensor([0.0, 1.0, 0.2]), 200.0)
    >>> asked_of(heard).f0_hz
    tensor([[261.6000, 220.0000, 220.0000]])
    """
    is_sure = pitched(performance)
    frame = torch.arange(len(is_sure))
    latest = torch.where(is_sure, frame, -1).cummax(0).values
    held = performance.f0_hz[latest.clamp_min(0)]
    f0_hz = torch.where(latest >= 0, held, MIDDLE_HZ)
    return Asked(f0_hz[None], performance.loudness_db[None], performance.confidence[None])


def sound_of(
    network: DdspNetwork,
    asked: Asked,
    said: Said,
    knobs: Knobs = PLAIN,
    *,
    noise_start: Int[Tensor, " batch"] | None = None,
) -> Float[Tensor, "batch time"]:
    """Audio of what was said, in the network's room; gradients reach all that was said.

    Up to the last frame: n frames are n - 1 hops of sound. On the CPU by compiled code.
    """
    dry = _dry(network, asked, said, knobs, noise_start)
    wet = network.room(dry)
    if knobs.reverb_gain == 0:
        return wet
    return dry + db_to_amplitude(knobs.reverb_gain) * (wet - dry)


def _dry(
    network: DdspNetwork, asked: Asked, said: Said, knobs: Knobs, noise_start: Tensor | None
) -> Float[Tensor, "batch time"]:
    rate, is_on_cpu = network.settings.sample_rate, asked.f0_hz.device.type == "cpu"
    n_partials = min(MOST_PARTIALS, max(1, int(0.5 * rate / float(asked.f0_hz.min()))))
    if is_on_cpu and not any(curve.requires_grad for curve in said):
        return play_whole(network, asked, said, knobs, n_partials, noise_start)
    batch, n_bands = len(asked.f0_hz), network.bands.n_bands
    tracks = Tracks(
        FRAME_RATE,
        asked.f0_hz,
        network.slots.spread(said.partial_db + knobs.harmonic_gain, n_partials),
        asked.f0_hz.new_zeros(batch, n_partials),
        said.noise_db + knobs.noise_gain,
        asked.f0_hz.new_full((batch, TRANSIENT_TICKS, n_bands), SILENT_DB),
    )
    made = render_levels if is_on_cpu else synthesise
    return made(tracks, rate, noise_start=noise_start)
