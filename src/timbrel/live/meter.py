"""What the callback counts, for those who watch: one thread writes, others read."""

from __future__ import annotations

from dataclasses import dataclass

_SETTLING_S = 1.0


@dataclass
class Meter:
    """How the sound's thread fares.

    Attributes:
        blocks: how many were made.
        underflows: how often the sound card ran dry, as it reports itself, once it had settled.
        underflows_at_start: the same in the first second, while clients still connect.
        overflows: how often what the microphone heard was lost.
        notes: keys that were struck.
        not_finite: blocks in which a player made something that is no number, heard as silence.
        failures: blocks that a player could not make, heard as silence.
        problem: what the last of these said.
        busy_s: time spent in the callback.
        length_s: of all blocks together.
        worst_load: the longest that a block took, as a share of its length.
        recent_load: the same since somebody last looked.
    """

    blocks: int = 0
    underflows: int = 0
    underflows_at_start: int = 0
    overflows: int = 0
    notes: int = 0
    not_finite: int = 0
    failures: int = 0
    problem: str = ""
    busy_s: float = 0.0
    length_s: float = 0.0
    worst_load: float = 0.0
    recent_load: float = 0.0

    def ran_dry(self) -> None:
        """The sound card says that a block came too late."""
        if self.length_s < _SETTLING_S:
            self.underflows_at_start += 1
        else:
            self.underflows += 1

    def count(self, took_s: float, length_s: float) -> None:
        """One block more."""
        load = took_s / length_s
        self.blocks += 1
        self.busy_s += took_s
        self.length_s += length_s
        self.worst_load = max(self.worst_load, load)
        self.recent_load = max(self.recent_load, load)

    @property
    def mean_load(self) -> float:
        """Time spent as a share of the sound's length."""
        return self.busy_s / self.length_s if self.length_s else 0.0

    @property
    def underflow_share(self) -> float:
        """Blocks that came too late as a share of all."""
        return self.underflows / self.blocks if self.blocks else 0.0

    def look(self) -> float:
        """The largest load since the last look."""
        load, self.recent_load = self.recent_load, 0.0
        return load
