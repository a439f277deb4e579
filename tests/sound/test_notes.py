"""Notes refuse what cannot be played, and say their bend at any time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from timbrel.errors import BadInput
from timbrel.sound import BEND_RATE, Notes, Rendered

FEW = settings(deadline=None, max_examples=30)


def test_one_number_serves_all_notes() -> None:
    notes = Notes.of([60, 64.5, 67], velocity=0.5, duration_s=[1, 2, 3])
    assert notes.pitch.tolist() == [60.0, 64.5, 67.0]
    assert notes.velocity.tolist() == [0.5] * 3
    assert notes.duration_s.tolist() == [1.0, 2.0, 3.0]
    assert len(Notes.of(60)) == 1
    assert len(Notes.of([])) == 0


def test_notes_of_share_no_memory() -> None:
    """A broadcast number is one cell seen many times: written to, it would change every note."""
    notes = Notes.of([60, 62], 0.5)
    notes.velocity[0] = 1.0
    assert notes.velocity.tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (([60, 62, 64], [0.5, 0.6]), "pitch, velocity, duration_s have lengths 3, 2, 1"),
        ((128,), "pitch is 128, wanted 0 to 127"),
        ((-0.1,), "pitch is -0.1, wanted 0 to 127"),
        ((math.nan,), "pitch is nan, wanted 0 to 127"),
        ((60, 1.01), "velocity is 1.01, wanted 0 to 1"),
        ((60, 0.5, 0.0), "duration_s is 0, wanted above 0 to 600"),
        ((60, 0.5, 601), "duration_s is 601, wanted above 0 to 600"),
        ((60, 0.5, math.inf), "duration_s is inf, wanted above 0 to 600"),
        (([60, 62], 0.5, [1, -1]), "duration_s is -1, wanted above 0 to 600"),
    ],
)
def test_what_cannot_be_played_is_refused(given_: tuple, message: str) -> None:
    with pytest.raises(BadInput, match=f"^notes: {message}$"):
        Notes.of(*given_)


def test_bends_must_fit_and_be_numbers() -> None:
    columns = [torch.full((2,), x) for x in (60.0, 0.5, 1.0)]
    with pytest.raises(BadInput, match=r"bend has shape \(2, 0\), wanted \[notes points\]"):
        Notes(*columns, torch.zeros(2, 0))
    with pytest.raises(BadInput, match="a bend holds NaN or infinity, wanted semitones"):
        Notes(*columns, torch.tensor([[0.0], [math.nan]]))


def test_chosen_notes_keep_their_bends() -> None:
    bend = torch.arange(6.0).reshape(3, 2)
    notes = Notes(torch.tensor([60.0, 61, 62]), torch.ones(3), torch.ones(3), bend)
    chosen = notes[[2, 0]]
    assert chosen.pitch.tolist() == [62, 60]
    assert torch.equal(chosen.bend_semitones, bend[[2, 0]])
    assert [n.pitch.tolist() for n in notes.batches(2)] == [[60, 61], [62]]


def test_a_bend_is_linear_between_its_points_and_holds_on() -> None:
    """100 points a second: point k stands at k / 100 s."""
    columns = [torch.full((1,), x) for x in (60.0, 0.5, 1.0)]
    notes = Notes(*columns, torch.tensor([[0.0, 1.0, -1.0]]))
    times_s = torch.tensor([0.0, 0.005, 0.01, 0.0125, 0.02, 9.0])
    expected = [0, 0.5, 1, 0.5, -1, -1]
    assert notes.bend_at(times_s)[0].tolist() == pytest.approx(expected, abs=1e-5)
    assert notes.bend_at(torch.tensor([-1.0]))[0].tolist() == [0.0]


@FEW
@given(
    st.lists(st.floats(-12, 12, width=32), min_size=1, max_size=30),
    st.lists(st.floats(0, 0.5, width=32), min_size=1, max_size=10),
)
def test_a_bend_reads_as_numpy_interpolates(bend: list[float], times_s: list[float]) -> None:
    columns = [torch.full((1,), x) for x in (60.0, 0.5, 1.0)]
    got = Notes(*columns, torch.tensor([bend])).bend_at(torch.tensor(times_s))[0]
    wanted = np.interp(np.float32(times_s) * BEND_RATE, np.arange(len(bend)), bend)
    np.testing.assert_allclose(got.numpy(), wanted, atol=1e-3)


def test_without_a_bend_it_is_zero() -> None:
    assert torch.equal(Notes.of([60, 62]).bend_at(torch.linspace(0, 1, 5)), torch.zeros(2, 5))


def test_rendered_notes_come_out_cut_to_their_lengths() -> None:
    rendered = Rendered(torch.arange(8.0).reshape(2, 4), torch.tensor([2, 4]), 16000)
    assert [sound.tolist() for sound in rendered] == [[0, 1], [4, 5, 6, 7]]


def test_fields_come_out_in_single_precision() -> None:
    columns = [torch.tensor([x], dtype=torch.float64) for x in (60.0, 0.5, 1.0)]
    notes = Notes(*columns, torch.ones(1, 3, dtype=torch.float64))
    assert notes.bend_semitones is not None
    fields = (notes.pitch, notes.velocity, notes.duration_s, notes.bend_semitones)
    assert {field.dtype for field in fields} == {torch.float32}


def test_a_bend_beyond_all_pitches_is_refused() -> None:
    columns = [torch.full((1,), x) for x in (60.0, 0.5, 1.0)]
    with pytest.raises(BadInput, match=r"^notes: a bend is beyond 256 semitones: bend less$"):
        Notes(*columns, torch.full((1, 5), 1e20))
