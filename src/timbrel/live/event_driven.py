"""What both live engines have: rings of events, and a meter of what goes wrong."""

from __future__ import annotations

from timbrel.live.events import EventRing
from timbrel.live.meter import Meter


class EventDriven:
    """An engine that obeys events of several producers, each of which has a ring of its own.

    Attributes:
        rings: one for each producer.
        meter: what happened.
    """

    def __init__(self) -> None:
        self.rings: list[EventRing] = []
        self.meter = Meter()

    def ring(self) -> EventRing:
        """A ring for one more producer; to be asked for before playing begins."""
        ring = EventRing()
        self.rings.append(ring)
        return ring

    @property
    def dropped(self) -> int:
        """Events that found no room in their rings."""
        return sum(ring.dropped for ring in self.rings)

    def _failed(self, error: Exception) -> None:
        self.meter.failures += 1
        self.meter.problem = f"{type(error).__name__}: {error}"
