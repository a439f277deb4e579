"""What every test stands on: shapes checked as types, fixed seeds, no network, parts by name.

Each annotation of timbrel is enforced here (jaxtyping and beartype), and nowhere else: the hook
must be in place before timbrel is first imported, so this file imports nothing of it.
"""

from __future__ import annotations

import ast
import atexit
import importlib.util
import os
import random
import shutil
import socket
import tempfile
from pathlib import Path

# Two processes that fill one cache of compiled functions at once can damage it (librosa's
# gufuncs then crash at every later load): each test worker, with what it starts, has its own.
os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="timbrel-numba-")
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="timbrel-data-")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["MPLBACKEND"] = "Agg"
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["NO_COLOR"] = "1"
os.environ["COLUMNS"] = "200"

import jaxtyping
import numpy as np
import pytest
import torch
from jaxtyping import _import_hook

for _variable in ("NUMBA_CACHE_DIR", "XDG_DATA_HOME"):
    atexit.register(shutil.rmtree, os.environ[_variable], ignore_errors=True)

_COMPILED = {"kernel", "part", "njit", "jit", "vectorize", "guvectorize", "cfunc", "script"}


def _is_unchecked(decorator: ast.expr) -> bool:
    """Whether a decorated function cannot be wrapped: compilers need the bare function."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    return name in _COMPILED or name == "no_type_check"


# jaxtyping wraps innermost, below `@njit`, and offers no other way to leave a function out.
_import_hook._is_no_type_check = _is_unchecked
# An int is welcome where a float is wanted (PEP 484's numeric tower).
jaxtyping.install_import_hook(
    "timbrel", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)

torch.set_num_threads(1)

SOUNDFONTS = (
    Path("/usr/share/sounds/sf3/FluidR3Mono_GM.sf3"),
    Path("/usr/share/fluidr3mono-gm-soundfont/FluidR3Mono_GM.sf3"),
)
AMSYNTH = Path("/usr/lib/vst/amsynth_vst.so")
PACKAGES = {
    "amsynth": "dawdreamer",
    "vital": "vita",
    "soundfont": "tinysoundfont",
    "crepe": "torchcrepe",
    "jack": "jack",
    "live": "rtmidi",
    "tensorboard": "tensorboard",
    "mlflow": "mlflow",
    "wandb": "wandb",
    "lightning": "lightning",
}


def find_soundfont() -> Path | None:
    """FluidR3Mono, from TIMBREL_SOUNDFONT or from where Debian puts it."""
    given = os.environ.get("TIMBREL_SOUNDFONT")
    places = (Path(given),) if given else SOUNDFONTS
    return next((place for place in places if place.is_file()), None)


def missing(part: str) -> str | None:
    """Why a part cannot be tested here; None where it can."""
    package = PACKAGES[part]
    if importlib.util.find_spec(package) is None:
        return f"{package} is not installed"
    if part == "soundfont" and find_soundfont() is None:
        return "FluidR3Mono_GM.sf3 is not installed: set TIMBREL_SOUNDFONT to a copy"
    if part == "amsynth" and not Path(os.environ.get("TIMBREL_AMSYNTH", AMSYNTH)).is_file():
        return "amsynth is not installed: set TIMBREL_AMSYNTH to its plug-in"
    if part == "jack" and shutil.which("jackd") is None:
        return "jackd is not installed"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests of a part that is not installed skip; in CI, where all must be there, they fail."""
    wanted = [part for mark in item.iter_markers("needs") for part in mark.args]
    wanted += ["soundfont"] if item.get_closest_marker("soundfont") else []
    for reason in filter(None, map(missing, wanted)):
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"CI must have every part: {reason}", pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def soundfont() -> Path:
    """The FluidR3Mono SoundFont; the test also needs `@pytest.mark.needs("soundfont")`."""
    found = find_soundfont()
    assert found is not None, 'mark the test with @pytest.mark.needs("soundfont")'
    return found


@pytest.fixture(autouse=True)
def seeded() -> None:
    """The same random numbers for each test; libraries draw from the global generators."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No annotation is enforced: what is given is of any type, as it may be where users run us."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture
def generator() -> torch.Generator:
    """A seeded source of randomness."""
    return torch.Generator().manual_seed(0)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection leaves this machine: a test that tries to open one fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address):
            self.close()
            raise AssertionError(f"a test tried to connect to {address}: tests run offline")
        connect(self, address)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_loopback(address: object) -> bool:
    host = address[0] if isinstance(address, tuple) else address
    local = {"localhost", "::1", "0.0.0.0", socket.gethostname()}
    return isinstance(host, str) and (host in local or host.startswith("127."))
