"""What `timbrel live` makes of its options, short of a sound card."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from timbrel.cli.arguments import Using
from timbrel.cli.live.engine import LiveWishes, make_engine
from timbrel.cli.timbres import open_timbres
from timbrel.errors import BadInput
from timbrel.live import Event, Knobs
from timbrel.timbre import Bank


def engine(**wishes):
    using = wishes.pop("using", Using("sine"))
    told = LiveWishes(using=using, sample_rate=8000, n_voices=4, block=64, **wishes)
    return make_engine(told, open_timbres(using))


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_an_engine_is_silent_until_it_is_played() -> None:
    made, out = engine(), np.ones(800, np.float32)
    assert made.keyboard.timbre_name == "sine's own timbre"
    made.process(out, 1.0)
    assert not out.any()
    made.ring().push(Event(0.0, 0x90, 1, 69, 127))
    made.process(out, 1.0)
    assert np.abs(out).max() == pytest.approx(0.5 * 10 ** (-6 / 20), rel=0.02)


def test_a_bank_of_ones_own_gives_the_programs_in_its_order(tmp_path) -> None:
    import torch

    bank = Bank()
    for name, first in (("pure", 1.0), ("hollow", 0.3)):
        bank.add(name, torch.tensor([first, 0.0, 0.5, 0.0]))
    using = Using("sine", bank.save(tmp_path / "mine.safetensors"))
    made = engine(using=using, timbre="hollow", corners=("pure", "hollow"))
    assert made.keyboard.timbre_name == "hollow"
    assert made.keyboard._pad is not None
    made.ring().push(Event(0.0, 0xC0, 1, 0))
    made.process(np.zeros(64, np.float32), 1.0)
    assert made.keyboard.timbre_name == "pure"
    made.keyboard._pad.close()


def test_wishes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadInput, match="no control 'vibrato': this instrument has none"):
        engine(bindings=("1=vibrato",))
    with pytest.raises(BadInput, match="unknown sound 'violn'"):
        engine(timbre="violn")


def test_what_cannot_be_kept_is_learned_all_the_same(tmp_path, capsys) -> None:
    from timbrel.cli.live.session import chores

    (tmp_path / "config").write_bytes(b"")  # no folder can be made here
    chores(Knobs(), "sine", "glide", lambda: None)()
    said = capsys.readouterr().err
    assert re.fullmatch(r"timbrel: learned glide for now; cannot write .*live\.toml \(.*\n", said)


def test_without_the_extra_one_line_names_it(timbrel, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    wanted = "python-rtmidi is not installed: pip install 'timbrel[live]'"
    assert timbrel("live", "sine").refusal == wanted


def test_numbers_out_of_range_are_refused(timbrel) -> None:
    assert "--block" in timbrel("live", "--block", "7").refusal
    assert "--voices" in timbrel("live", "--voices", "none").refusal
