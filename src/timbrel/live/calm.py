"""A Python that does not get in the way of sound."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SWITCH_S = 0.0005


@contextmanager
def calm() -> Iterator[Callable[[], object]]:
    """No garbage collection but when it is called for, and threads that soon give way.

    What is loaded already is frozen: it is never looked through again. The collector is off, for
    it would run wherever memory happens to be asked for, also in the callback; whoever has time
    calls what this yields now and then, and that is over in less than a millisecond. A thread
    that works in Python hands over to the callback within half a millisecond instead of five.
    """
    interval, was_on = sys.getswitchinterval(), gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield lambda: gc.collect(1)
    finally:
        sys.setswitchinterval(interval)
        gc.unfreeze()
        if was_on:
            gc.enable()
