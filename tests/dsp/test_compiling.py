"""Kernels: compiled once for a signature, kept with all they are made of, one process at a time."""

import importlib.util
import logging
import os
import subprocess
import sys

import numba
import numpy as np
import pytest
from numba.core import config

from timbrel.dsp.compiling import _Announcer, kernel, made_of, part

PARTS = """
import numpy as np
from timbrel.dsp.compiling import part
STEP = {step}
TABLE = np.array([1.0, {last}])

@part
def stepped(x):
    return {sign}x + STEP + TABLE[1]
"""
KERNEL = """
from timbrel.dsp.compiling import kernel
from {parts} import stepped

@kernel
def last(x):
    return stepped(x)
"""
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from whole import last
print(last(1.0), last(np.float32(2)), sum(last.stats.cache_hits.values()))
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kernels"


def loaded(folder, monkeypatch, *, step=10, last=100.0, sign=""):
    """A kernel in one file whose part and constants are in another."""
    texts = {"parts": PARTS.format(step=step, last=last, sign=sign)}
    texts["whole"] = KERNEL.format(parts="parts")
    modules = {}
    for name, text in texts.items():
        path = folder / f"{name}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(name, path)
        modules[name] = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, modules[name])
        spec.loader.exec_module(modules[name])
    return modules["whole"].last


def test_a_kernel_is_read_from_the_cache_until_what_it_is_made_of_changes(
    tmp_path, monkeypatch, cache
):
    def said(**made_of):
        last = loaded(tmp_path, monkeypatch, **made_of)
        return last(1.0), sum(last.stats.cache_hits.values())

    assert said() == (111.0, 0)
    assert said() == (111.0, 1)
    # in another file than the kernel's, of which numba's own cache knows nothing
    assert said(step=20) == (121.0, 0)
    assert said(last=200.0) == (211.0, 0)
    assert said(sign="-") == (109.0, 0)
    assert said() == (111.0, 1)
    assert len([*cache.glob("last-*")]) == 4


def test_options_and_code_name_a_kernel():
    def doubled(x):
        return 2 * x

    def halved(x):
        return x / 2

    plain, fast = kernel(doubled), kernel(fastmath={"reassoc", "contract"})(doubled)
    names = {made_of(plain), made_of(fast), made_of(kernel(halved))}
    assert len(names) == 3
    assert made_of(kernel(fastmath={"contract", "reassoc"})(doubled)) == made_of(fast)


def test_numbers_in_calls_make_no_new_part():
    @part
    def added(x, count, is_down):
        return x - count if is_down else x + count

    @kernel
    def several(x):
        return added(x, 1, True) + added(x, 2, False) + added(x, len("abc"), False)

    assert several(10) == 9 + 12 + 13
    assert len(added.overloads) == 1


def test_what_does_not_say_so_cannot_allocate():
    def copied(x):
        return x.copy().sum()

    with pytest.raises(numba.NumbaError, match="NRT required"):
        kernel(copied)(np.ones(3))
    assert kernel(allocates=True)(copied)(np.ones(3)) == 3.0


def test_processes_that_begin_at_once_compile_once(tmp_path, monkeypatch, cache):
    loaded(tmp_path, monkeypatch)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache.parent)}

    def started():
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    said = [process.communicate()[0].split() for process in [started() for _ in range(4)]]
    said.append(started().communicate()[0].split())
    assert [words[:2] for words in said] == [["111.0", "112.0"]] * 5
    # two signatures, each compiled by whoever came first and read by the others
    assert sum(int(words[2]) for words in said) == 2 * (5 - 1)
    assert said[-1][2] == "2"


def test_without_a_cache_it_compiles_all_the_same(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "file" / "inside"))
    monkeypatch.setattr(_Announcer, "has_said", False)
    last = loaded(tmp_path, monkeypatch)
    with caplog.at_level(logging.INFO, "timbrel.dsp.compiling"):
        assert last(1.0) == 111.0
    assert caplog.messages == [
        "compiling for this machine, anew, as no folder for caches can be written: "
        "up to half a minute"
    ]


def test_it_says_once_that_it_compiles_and_nothing_when_it_reads(
    tmp_path, monkeypatch, cache, caplog
):
    monkeypatch.setattr(_Announcer, "has_said", False)
    with caplog.at_level(logging.INFO, "timbrel.dsp.compiling"):
        first = loaded(tmp_path, monkeypatch)
        assert first(1.0), first(1)
        assert caplog.messages == ["compiling for this machine, once: up to half a minute"]
        caplog.clear()
        monkeypatch.setattr(_Announcer, "has_said", False)
        again = loaded(tmp_path, monkeypatch)
        assert again(1.0), again(1)
        assert caplog.messages == []
