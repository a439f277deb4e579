"""What the decoder does not say of a recording: how it is measured.

In three steps, each of what the ones before have left: levels while the key is down, levels after
it came up, and the movement of pitch and of all partials in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from timbrel.dsp.tracks import Tracks
from timbrel.instruments.harmonic.burst import recorded_burst
from timbrel.instruments.harmonic.course import heard_moments, release_moments
from timbrel.instruments.harmonic.hearing import Heard
from timbrel.instruments.harmonic.knots import hats, knots_of, read_curves
from timbrel.instruments.harmonic.residual import Residuals
from timbrel.instruments.harmonic.said import SOFTEST_DB
from timbrel.instruments.harmonic.timbre_layout import N_OFFSETS, Parts
from timbrel.units import db_to_power, midi_to_hz, power_to_db

_STANDING_IN = 3
"""Of the last moments that are known: their mean stands for all that follow."""

_SWELLS_ABOVE_DB = -60.0
"""Movement is measured of what is louder than this, re the loudest."""

_MOST_SWELL_DB = 12.0

_RELEASED_DB = 60.0
"""A release that was not heard falls so far in the time that it has."""


@dataclass(frozen=True, eq=False)
class Unsaid:
    """A recording beside what the decoder says of it.

    Attributes:
        heard: the recording.
        level_db: its level re the instrument's reference.
        held: what the decoder says of it while the key was down.
        fallen: the same after it came up at `heard.known_s`.
        residuals: how they are written down.
    """

    heard: Heard
    level_db: float
    held: Float[Tensor, "heard levels"]
    fallen: Float[Tensor, "released levels"]
    residuals: Residuals

    def parts(self) -> Parts:
        """The recording's timbre without its latent."""
        return self._with_movement(self._with_release(self._with_held()))

    def _with_held(self) -> Parts:
        """All that does not depend on other residuals."""
        heard, layout = self.heard, self.residuals.layout
        moments_s = heard_moments()
        n_known = max(1, int((moments_s < heard.settled_s).sum()))
        beyond = self._wanted(moments_s[:n_known]) - self.held[:n_known]
        partial, noise = self._in_knots(beyond, moments_s, layout.held_s, layout.noise_held_s)
        return layout.zero()._replace(
            pitch=torch.tensor(heard.pitch), known_s=torch.tensor(heard.known_s),
            offset=_offsets(heard.tracks), partial=partial, noise=noise,
            burst=recorded_burst(heard.tracks, self.level_db, layout),
        )  # fmt: skip

    def _with_release(self, parts: Parts) -> Parts:
        """With what the decoder does not say of the release, if it was heard."""
        known_s, since_s = self.heard.known_s, release_moments()
        n_known = int((known_s + since_s < self.heard.end_s).sum())
        if not self.heard.was_released or n_known == 0:
            return self._with_usual_release(parts)
        levels = self.held + self.residuals.held(parts, parts.pitch)
        said = read_curves(levels, heard_moments(), torch.tensor([known_s])) + self.fallen
        wanted = self._wanted(known_s + since_s)
        is_heard = (wanted > SOFTEST_DB) | (said > SOFTEST_DB)
        beyond = torch.where(is_heard, wanted - said, 0.0)[:n_known]
        knots_s = self.residuals.layout.released_s
        partial, noise = self._in_knots(beyond, since_s, knots_s, knots_s)
        return parts._replace(partial_released=partial, noise_released=noise)

    def _with_usual_release(self, parts: Parts) -> Parts:
        """With a release that is over when it has to be, for one that nobody heard."""
        moments_s, knots_s = release_moments(), self.residuals.layout.released_s
        place = int((heard_moments() < self.heard.known_s).sum()) - 1
        power = db_to_power(self.held[place] + self.fallen).sum(-1)
        fell_db = power_to_db(power[0] / power[-1])
        missing_db = (_RELEASED_DB - fell_db).clamp_min(0)
        lower = -missing_db * knots_s / moments_s[-1]
        partial = lower[:, None].expand_as(parts.partial_released)
        return parts._replace(
            partial_released=partial, noise_released=lower[:, None].expand_as(parts.noise_released)
        )

    def _with_movement(self, parts: Parts) -> Parts:
        """With the movement of pitch and of all partials in common, while the key was down."""
        heard, moved_s = self.heard, self.residuals.layout.moved_s
        tracks = heard.tracks
        time_s = torch.arange(tracks.n_frames) / tracks.frame_rate
        power = db_to_power(tracks.harmonic_db)
        total = power.sum(-1)
        is_loud = total > total.max() * db_to_power(_SWELLS_ABOVE_DB)
        is_measured = is_loud & (time_s <= heard.settled_s)
        cents = 1200 * (tracks.f0_hz / midi_to_hz(heard.pitch)).log2()
        swell_db = self._swell_db(parts, time_s, power)
        curves = torch.stack([cents, swell_db], 1)
        wander, swell = knots_of(curves, hats(time_s, moved_s), is_measured.float()).unbind(1)
        # how far a note is out of tune belongs to it, and goes on; its movement does not
        tuning = (cents * is_measured).sum() / is_measured.sum().clamp_min(1)
        inside = moved_s <= heard.known_s
        return parts._replace(
            wander=torch.where(inside, wander, tuning), swell=torch.where(inside, swell, 0.0)
        )

    def _swell_db(
        self,
        parts: Parts,
        time_s: Float[Tensor, " frames"],
        power: Float[Tensor, "frames harmonics"],
    ) -> Float[Tensor, " frames"]:
        """How much louder all partials are than their levels, the loudest counting most."""
        slots, tracks = self.residuals.slots, self.heard.tracks
        levels = self.held + self.residuals.held(parts, parts.pitch)
        partial = levels[:, : slots.n_slots]
        said = slots.spread(read_curves(partial, heard_moments(), time_s), tracks.n_harmonics)
        wanted = (tracks.harmonic_db + self.level_db).clamp_min(SOFTEST_DB)
        swell_db = ((wanted - said.clamp_min(SOFTEST_DB)) * power).sum(-1)
        swell_db = swell_db / power.sum(-1).clamp_min(1e-12)
        return swell_db.clamp(-_MOST_SWELL_DB, _MOST_SWELL_DB)

    def _wanted(self, moments_s: Float[Tensor, " moments"]) -> Float[Tensor, "moments levels"]:
        """The recording's levels re the instrument's reference."""
        levels = self.heard.levels(self.residuals.slots, moments_s)
        return (levels + self.level_db).clamp_min(SOFTEST_DB)

    @cached_property
    def _slot_for(self) -> Tensor:
        """The slot that stands for each: itself, or the highest one that was heard."""
        slots, bands = self.residuals.slots, self.residuals.bands
        highest = max(int(self.heard.has_slots(slots, bands.sample_rate).sum()) - 1, 0)
        return torch.arange(slots.n_slots).clamp(max=highest)

    def _in_knots(
        self,
        beyond: Float[Tensor, "known levels"],
        moments_s: Float[Tensor, " moments"],
        knots_s: Float[Tensor, " knots"],
        noise_knots_s: Float[Tensor, " noise_knots"],
    ) -> tuple[Float[Tensor, "knots groups"], Float[Tensor, "noise_knots band_groups"]]:
        """What is known at the first moments, in the knots of partials and of noise.

        Of what is not known, later and higher up, the nearest that is stands in.
        """
        layout = self.residuals.layout
        recent = beyond[-_STANDING_IN:].mean(0).expand(len(moments_s) - len(beyond), -1)
        beyond = torch.cat([beyond, recent])
        partial, noise = beyond[:, self._slot_for], beyond[:, len(self._slot_for) :]
        partial, noise = (
            knots_of(curves, hats(moments_s, knots))
            for curves, knots in ((partial, knots_s), (noise, noise_knots_s))
        )
        return knots_of(partial.T, layout.of_slots).T, knots_of(noise.T, layout.of_bands).T


def _offsets(tracks: Tracks) -> Float[Tensor, " offsets"]:
    """Those of the lowest partials; of what was not heard, 0."""
    own = tracks.offset[:N_OFFSETS]
    return torch.nn.functional.pad(own, (0, N_OFFSETS - len(own)))
