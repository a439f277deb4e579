"""A plug-in that does all that plug-ins must not do; children find it on their PYTHONPATH."""

from __future__ import annotations

import ctypes
import os
import time

import numpy as np


class Odd:
    """Its first knob is the level, its second what goes wrong."""

    def __init__(self, path):
        self.path = path
        print("what plug-ins print must not be taken for an answer", flush=True)
        os.write(2, b"nor be seen\n")
        if path == "crash":
            ctypes.string_at(0)
        if path == "hang":
            time.sleep(60)
        if path == "refuse":
            raise RuntimeError("not in the mood")
        if path == "missing":
            import a_module_that_nobody_has  # noqa: F401
        self.renders = 0

    def controls(self):
        return [{"name": "level", "default": 0.5}, {"name": "mischief", "default": 0.0}]

    def answer(self, request):
        (_, level), (_, mischief) = request["values"]
        self.renders += 1
        deed = ("none", "abort", "segfault", "hang", "raise", "exit", "print")[round(mischief)]
        getattr(self, deed)()
        samples = np.full(round(44100 * request["total_s"]), level * self.renders, np.float32)
        return {"pid": os.getpid(), "renders": self.renders}, samples.tobytes()

    def none(self):
        pass

    def abort(self):
        os.abort()

    def segfault(self):
        ctypes.string_at(0)

    def hang(self):
        time.sleep(60)

    def exit(self):
        os._exit(0)

    def print(self):
        os.write(1, b"x" * 200_000)

    def __getattr__(self, name):
        if name == "raise":
            return self._fail
        raise AttributeError(name)

    def _fail(self):
        raise ValueError("out of tune")
