"""Feedback as a set to train on: the sounds as they were heard, each with its patch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from timbrel.data.presets.building import build_presets
from timbrel.data.presets.feedback import CollectedSettings, collect_feedback
from timbrel.data.presets.plan import NoteSettings, PresetSetSettings
from timbrel.data.presets.preset_set import PresetSet
from timbrel.errors import BadConfig, BadInput
from timbrel.instruments.preset.feedback.judgement import JudgedSound, Judgement
from timbrel.instruments.preset.feedback.store import FeedbackStore
from timbrel.instruments.preset.hearing.heard_bytes import sound_id
from timbrel.instruments.preset.hearing.target import Target, target_of
from timbrel.sound import Notes
from timbrel.synths import load_synth

SETTINGS = CollectedSettings(
    around=3, random=4, activity=1,
    notes=NoteSettings(each=2, lowest=48, highest=60, shortest_s=0.2, longest_s=0.4, held=0.0),
)  # fmt: skip
SUBTRACTIVE = load_synth("subtractive")
KNOBS = SUBTRACTIVE.parameters


def sound(f0_hz: float) -> Target:
    return target_of(0.3 * torch.sin(2 * torch.pi * f0_hz * torch.arange(22050) / 44100))


def say(store: FeedbackStore, target: Target, cutoff_hz: float, **changes: object) -> Judgement:
    facts = {
        "synth": "subtractive", "knobs": KNOBS.names, "patch": f"{cutoff_hz:.0f}",
        "vector": KNOBS.vector({"cutoff_hz": cutoff_hz}), "note": Notes.of(target.pitch, 0.7, 0.4),
        "sound": sound_id(target.heard), "sound_name": "x.wav",
    }  # fmt: skip
    judgement = Judgement(**(facts | changes))  # pyright: ignore[reportArgumentType]
    store.add(judgement, JudgedSound.of(target))
    return judgement


@pytest.fixture
def store(tmp_path: Path) -> FeedbackStore:
    return FeedbackStore(tmp_path / "feedback.sqlite")


def test_a_set_holds_the_sounds_as_they_were_heard(store: FeedbackStore, tmp_path: Path) -> None:
    low, high = sound(220.0), sound(440.0)
    right = say(store, low, 700.0, kind="correction")
    say(store, low, 900.0, liked=0.9)  # another was said to be right
    good = say(store, high, 1500.0, liked=0.6)
    say(store, high, 3000.0, liked=0.4)
    say(store, high, 5000.0, liked=-1.0)
    say(store, high, 6000.0, knobs=(*KNOBS.names[1:], "new"))
    report = collect_feedback(store, tmp_path / "mine", SETTINGS)
    assert report.origins == {"real": 2, "around": 3, "random": 4}
    assert report.folder == tmp_path / "mine"
    assert report.notes + report.silent == 2 * 9 + 2
    train = PresetSet(tmp_path / "mine", "train")
    assert train.settings.synth == "subtractive"
    names = [train.entries[i].name for i in train.notes.patch.tolist()]
    assert {entry.bank for entry in train.entries if entry.origin == "real"} == {"feedback"}
    rows = [i for i, v in enumerate(train.notes.velocity.tolist()) if abs(v - 0.7) < 1e-6]
    assert [names[i] for i in rows] == ["700", "1500"]
    for row, target, judgement in zip(rows, (low, high), (right, good), strict=True):
        heard = train.heard(torch.tensor([row]))
        torch.testing.assert_close(heard.mel, target.heard.mel, rtol=0, atol=0.51 / 127.5)
        torch.testing.assert_close(heard.curves, target.heard.curves, rtol=0, atol=2e-3)
        torch.testing.assert_close(train.notes.vector[row], judgement.vector, rtol=0, atol=1e-6)
        assert float(train.notes.pitch[row]) == pytest.approx(target.pitch, abs=1e-4)
        assert float(train.notes.held_s[row]) == pytest.approx(0.4)
        own = train.notes.patch == train.notes.patch[row]
        assert int(own.sum()) == 3  # its two notes, and the sound


def test_a_set_that_was_collected_before_is_replaced_and_no_other(
    store: FeedbackStore, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    with pytest.raises(BadInput, match=r"no corrections or ratings from 0\.5 of subtractive in"):
        collect_feedback(store, mine, SETTINGS)
    say(store, sound(220.0), 700.0, kind="correction")
    alone = SETTINGS.model_copy(update={"around": 0, "random": 0})
    assert collect_feedback(store, mine, alone).origins == {"real": 1}
    say(store, sound(440.0), 900.0, kind="correction")
    assert collect_feedback(store, mine, alone).origins == {"real": 2}
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] == ".") == []

    other = tmp_path / "other"
    build_presets(
        other, PresetSetSettings(banks=(), random=2, activity=0, notes=SETTINGS.notes), processes=0
    )
    before = (other / "presets.toml").read_bytes()
    (tmp_path / "file").write_text("x")
    for place in (other, tmp_path, tmp_path / "file"):
        with pytest.raises(BadInput, match="holds something else than collected feedback"):
            collect_feedback(store, place, alone)
    assert (other / "presets.toml").read_bytes() == before
    with pytest.raises(BadConfig, match=r"all judged patches \(2\) are held out, .* validation=0"):
        collect_feedback(store, mine, alone.model_copy(update={"held_out": ("feedback",)}))
    assert len(PresetSet(mine, "train").entries) == 2


def test_two_do_not_collect_in_one_place(store: FeedbackStore, tmp_path: Path) -> None:
    say(store, sound(220.0), 700.0, kind="correction")
    refused = []

    def again(_what: str, _done: float, _total: float) -> None:
        with pytest.raises(BadInput, match="another process is making a set") as caught:
            collect_feedback(store, tmp_path / "mine", SETTINGS)
        refused.append(caught)

    assert collect_feedback(store, tmp_path / "mine", SETTINGS, progress=again).notes > 0
    assert refused
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] == ".") == []
