from pathlib import Path

import platformdirs
import pytest

from timbrel.config import read_settings
from timbrel.data.soundfonts.soundfont import SoundFontSettings
from timbrel.errors import BadInput
from timbrel.evaluate import held_out, held_out_sets

FLUID = Path(__file__).parents[2] / "configs" / "fluid.toml"


def test_the_default_set_is_the_one_beside_the_training_set():
    settings = read_settings(SoundFontSettings, FLUID)
    ours = held_out.HELD_OUT
    assert ours.held_out == settings.held_out
    for split in ("valid", "test"):
        assert ours.splits[split] == settings.splits[split]
    without = {"splits"}
    assert ours.model_dump(exclude=without) == settings.model_dump(exclude=without)


def test_a_single_set_has_no_ending(sine_folder):
    sets = held_out_sets(sine_folder)
    assert list(sets) == [""]
    assert len(sets[""]) == 28


def test_no_font_is_one_clear_line(monkeypatch, tmp_path):
    monkeypatch.setenv(held_out.FONT_VARIABLE, str(tmp_path / "none.sf2"))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path))
    with pytest.raises(BadInput, match=r"no notes to judge by: give a note set .*TIMBREL_SOUNDF"):
        held_out_sets()


def test_the_cache_is_found_again(monkeypatch, tmp_path, sine_folder):
    rendered = []

    def render(font: Path, out: Path, settings, progress=None) -> None:
        rendered.append(out)
        out.mkdir()
        for split in settings.splits:
            (out / f"nsynth-{split}").symlink_to(sine_folder)

    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path))
    monkeypatch.setattr(held_out, "find_soundfont", lambda: sine_folder)
    monkeypatch.setattr(held_out, "render_soundfont", render)
    for _ in range(2):
        assert list(held_out_sets()) == ["", "_unseen"]
    assert len(rendered) == 1
    assert rendered[0].parent == tmp_path


@pytest.mark.slow
@pytest.mark.soundfont
@pytest.mark.needs("soundfont")
def test_the_set_is_rendered_once(monkeypatch, tmp_path, soundfont):
    monkeypatch.setenv(held_out.FONT_VARIABLE, str(soundfont))
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name: str(tmp_path))
    few = held_out.HELD_OUT.model_copy(update={"programs": (0, 71), "length_s": 0.5})
    monkeypatch.setattr(held_out, "HELD_OUT", few.model_copy(update={"held_out": (71,)}))
    sets = held_out_sets()
    assert sets[""].instruments == ("keyboard_acoustic_000",)
    assert sets["_unseen"].instruments == ("reed_acoustic_071",)
