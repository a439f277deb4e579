import pytest

from timbrel.errors import BadInput
from timbrel.evaluate import draw_comparison
from timbrel.instruments.sine import Sine


def test_a_picture_of_every_kind_of_note(tmp_path, sines):
    path = draw_comparison(tmp_path / "notes.png", Sine(), sines, rows=2)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.png"]


def test_bad_pictures(tmp_path, sines):
    with pytest.raises(BadInput, match="is no picture's name"):
        draw_comparison(tmp_path / "notes.wav", Sine(), sines, rows=1)
    with pytest.raises(BadInput, match="has no two notes of one instrument at that interval"):
        draw_comparison(tmp_path / "notes.png", Sine(), sines.subset([0]))
    assert not list(tmp_path.iterdir())
