"""Child processes: what crashes, hangs or fails costs one render and one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from timbrel.errors import BadInput, MissingExtra, SynthFailed, Unsupported
from timbrel.sound import Control, Notes
from timbrel.synths import Parameters
from timbrel.synths.hosting import Host, HostedSynth
from timbrel.synths.hosting.worker import PlugIn

HERE = str(Path(__file__).parent)
DEEDS = ("none", "abort", "segfault", "hang", "raise", "exit", "print")


class Odd(HostedSynth):
    """A synthesizer of two knobs, hosted by the real program of the children."""

    name = "odd"
    parameters = Parameters((
        Control("level", "", 0.0, 1.0, 0.5), Control("mischief", "", 0, 6, 0, choices=DEEDS),
    ))  # fmt: skip

    def __init__(self, path="", processes=2, load_limit_s=20.0):
        plug_in = PlugIn("odd", "odd_engine:Odd", path, "amsynth", limit_s=0.5,
                         load_limit_s=load_limit_s, environment={"PYTHONPATH": HERE})  # fmt: skip
        super().__init__(Host(plug_in, processes), tail_s=0.01)

    def turned(self, values):
        return list(values.items())


@pytest.fixture(scope="module")
def odd():
    synth = Odd()
    yield synth
    synth.host.end()


def play(synth, *deeds, level=0.5):
    patches = [synth.parameters.vector({"level": level, "mischief": d}) for d in deeds]
    return list(synth.render_each(torch.stack(patches), Notes.of([60.0] * len(deeds), 1, 0.05)))


@pytest.mark.parametrize(
    ("deed", "line"),
    [
        ("abort", r"odd crashed \(SIGABRT\)"),
        ("segfault", r"odd crashed \(SIGSEGV\)"),
        ("hang", r"odd hung: nothing came within 0.5 s"),
        ("raise", r"odd failed \(out of tune\)"),
        ("exit", r"odd ended by itself"),
    ],
)
def test_what_goes_wrong_costs_one_render(odd, deed, line):
    before, failed, after = play(odd, 0, DEEDS.index(deed), 0)
    with pytest.raises(SynthFailed, match=line):
        raise failed
    assert torch.equal(before, after)
    assert torch.equal(play(odd, 0)[0], before)


def test_each_render_begins_from_the_state_after_loading(odd):
    sounds = play(odd, *[0] * 5, level=0.25)
    assert [float(sound[0]) for sound in sounds] == [0.25] * 5
    assert {len(sound) for sound in sounds} == {round(44100 * 0.06)}


def test_what_a_plug_in_prints_is_no_answer(odd, capfd):
    assert torch.equal(play(odd, 6)[0], play(odd, 0)[0])
    assert capfd.readouterr() == ("", "")


def test_ends_fade_instead_of_clicking(odd):
    (sound,) = play(odd, 0, level=1.0)
    assert float(sound[-1]) == 0.0
    assert float(sound.diff().abs().max()) <= 1 / 880


@pytest.mark.parametrize(
    ("path", "error", "line"),
    [
        ("crash", SynthFailed, r"odd crashed while it was loaded \(SIGSEGV\)"),
        ("hang", SynthFailed, "odd hung while it was loaded: nothing came within 1 s"),
        ("refuse", SynthFailed, "odd cannot be loaded: not in the mood"),
        (
            "missing",
            MissingExtra,
            r"a_module_that_nobody_has, which hosts odd, .*timbrel\[amsynth\]",
        ),
    ],
)
def test_what_cannot_be_loaded_is_said(path, error, line):
    synth = Odd(path, processes=1, load_limit_s=1.0)
    with pytest.raises(error, match=line):
        synth.host.controls()
    with pytest.raises(error, match=line):
        play(synth, 0)[0] if error is MissingExtra else synth.render(
            synth.parameters.defaults, Notes.of(60)
        )


def test_a_killed_child_is_replaced():
    synth = Odd(processes=1)
    (before,) = play(synth, 0)
    child = synth.host._workers[0]._process
    os.kill(child.pid, 9)
    child.wait()
    (failed,) = play(synth, 0)
    with pytest.raises(SynthFailed, match=r"odd crashed at work \(SIGKILL\)"):
        raise failed
    assert torch.equal(play(synth, 0)[0], before)
    synth.host.end()


def test_nothing_wrong_reaches_a_plug_in(odd):
    with pytest.raises(BadInput, match=r"shape \(3,\), wanted \[2\] or \[notes 2\]"):
        odd.render(torch.zeros(3), Notes.of(60))
    with pytest.raises(BadInput, match="holds NaN or infinity"):
        odd.render(torch.tensor([float("nan"), 0]), Notes.of(60))
    with pytest.raises(BadInput, match="there is no note to render"):
        odd.render(odd.parameters.defaults, Notes.of([]))
    bent = Notes(torch.tensor([60.0]), torch.ones(1), torch.ones(1), torch.full((1, 2), 7.0))
    with pytest.raises(Unsupported, match=r"bend a note by 7 semitones: it can by 1.5"):
        odd.render(odd.parameters.defaults, bent)


SCRIPT = """
import sys; sys.path.insert(0, {here!r})
from test_hosting import Odd, play
synth = Odd()
play(synth, 0, 0)
print(*[worker._process.pid for worker in synth.host._workers], flush=True)
{then}
"""


@pytest.mark.slow
@pytest.mark.parametrize("then", ["", "play(synth, 3, 3)", "import os; os._exit(0)"])
def test_nothing_is_left_when_the_parent_has_gone(then):
    script = SCRIPT.format(here=HERE, then=then)
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - began < 40
    for pid in map(int, done.stdout.split()):
        assert is_gone(pid), f"{pid} lives on"


def hear_ctrl_c():
    """What a shell starts in the background is deaf to it, and so are its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
def test_ctrl_c_ends_a_render_at_once():
    script = SCRIPT.format(here=HERE, then="play(synth, *[3] * 50)")
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=hear_ctrl_c,
    )  # fmt: skip
    pids = list(map(int, process.stdout.readline().split()))
    time.sleep(0.3)
    process.send_signal(2)
    _, errors = process.communicate(timeout=10)
    assert "KeyboardInterrupt" in errors
    assert all(map(is_gone, pids))


def is_gone(pid):
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        state = Path(f"/proc/{pid}/stat")
        if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False
