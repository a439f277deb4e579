"""What work that takes a while tells whoever waits for it."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float, float], None]
"""Called with what is being done ("rendering"), how much of it is done, and how much there is."""
