"""The program of a child process: it loads one plug-in, and renders what it is asked for.

It knows nothing of timbrel, so that it starts in a moment and stays small. It is told by frames on
its input and answers by frames on its output; what plug-ins print goes nowhere.

Where the system can fork, a plug-in is loaded once and never played: each render is done by a copy
of the whole process as it was after loading. So each begins from the same state, to the bit, for
the price of a fork and not of loading; and what crashes or hangs is the copy. Elsewhere the plug-in
is loaded anew for each.
"""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from io import BytesIO
from typing import Any, BinaryIO, cast

from wire import receive, send  # pyright: ignore[reportMissingImports] - it lies beside this file


def main(engine: str, path: str, limit_s: float) -> None:
    """Serve until nobody asks any more."""
    asked, told = _private(0, "rb"), _private(1, "wb")
    with open(os.devnull, "r+b") as nowhere:  # noqa: PTH123 - descriptors are what is meant
        for descriptor in (0, 1, 2):
            os.dup2(nowhere.fileno(), descriptor)
    module, _, kind = engine.partition(":")
    try:
        loaded = getattr(import_module(module), kind)(path)
        send(told, {"controls": loaded.controls()})
    except ImportError as error:
        return send(told, {"missing": error.name or str(error)})
    except Exception as error:
        return send(told, {"error": str(error)})
    answer = _answer_apart if hasattr(os, "fork") else _answer_anew
    while (asking := receive(asked)) is not None:
        told.write(answer(loaded, asking[0], limit_s))
        told.flush()
    return None


def _private(descriptor: int, mode: str) -> BinaryIO:
    """A file that plug-ins, which write to 1 and 2, know nothing of."""
    return cast("BinaryIO", os.fdopen(os.dup(descriptor), mode))


def _answer_apart(engine: Any, request: dict[str, Any], limit_s: float) -> bytes:
    """The frame that a copy of this process made; what became of the copy where it made none."""
    source, drain = os.pipe()
    copy = os.fork()
    if copy == 0:
        _answer_and_end(engine, request, limit_s, drain)
    os.close(drain)
    with os.fdopen(source, "rb") as pipe:
        frame = pipe.read()
    _, status = os.waitpid(copy, 0)
    return frame if frame and status == 0 else _frame({"error": _epitaph(status, limit_s)})


def _answer_and_end(engine: Any, request: dict[str, Any], limit_s: float, drain: int) -> None:
    """Live no longer than that, and leave without goodbyes: they belong to the original."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, limit_s)
        with os.fdopen(drain, "wb") as pipe:
            pipe.write(_frame(*_answer(engine, request)))
        os._exit(0)
    finally:
        os._exit(1)


def _answer_anew(engine: Any, request: dict[str, Any], _: float) -> bytes:
    """The frame of a plug-in that nobody has played yet; whoever asks keeps the time."""
    return _frame(*_answer(type(engine)(engine.path), request))


def _answer(engine: Any, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        return engine.answer(request)
    except Exception as error:
        return {"error": f"failed ({error})"}, b""


def _epitaph(status: int, limit_s: float) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGALRM:
            return f"hung: nothing came within {limit_s:g} s"
        return f"crashed ({signal.Signals(number).name})"
    return f"ended by itself (exit code {os.WEXITSTATUS(status)})"


def _frame(head: dict[str, Any], payload: bytes = b"") -> bytes:
    file = BytesIO()
    send(file, head, payload)
    return file.getvalue()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
