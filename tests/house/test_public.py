"""The public names are a list that is kept on purpose, and asking for one costs only its room."""

from __future__ import annotations

import subprocess
import sys

import pytest

import timbrel

PUBLIC = {
    "Bank", "Instrument", "Notes", "Rendered", "Score", "TimbreSpace", "TimbrelError",
    "__version__", "blend", "load", "models", "morph", "pad", "read_audio", "read_score",
    "write_audio",
}  # fmt: skip


def test_the_public_names_are_these() -> None:
    assert set(timbrel.__all__) == PUBLIC
    assert set(dir(timbrel)) >= PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC - {"__version__"}))
def test_each_is_documented(name: str) -> None:
    assert getattr(timbrel, name).__doc__


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'timbrel' has no attribute 'lode'"):
        timbrel.lode  # noqa: B018


def test_importing_timbrel_imports_nothing_heavy() -> None:
    program = "import sys, timbrel; print({'torch', 'numpy', 'librosa'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("set()", "")
