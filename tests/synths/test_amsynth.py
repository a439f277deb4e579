"""amsynth in its child processes: the plug-in itself is asked."""

from __future__ import annotations

import pytest
import torch

from timbrel.errors import BadInput, BadPatch
from timbrel.sound import Notes
from timbrel.synths import load_synth
from timbrel.synths.amsynth import Amsynth, find_amsynth
from timbrel.synths.amsynth_knobs import amsynth_parameters

KNOBS = amsynth_parameters()


def test_the_table_has_eleven_switches():
    assert int(KNOBS.is_switch.sum()) == 11
    assert KNOBS.values(KNOBS.defaults) == pytest.approx({c.name: c.default for c in KNOBS})


def test_where_it_is_missing_one_line_says_what_to_do(monkeypatch, tmp_path):
    with pytest.raises(BadInput, match=r"no amsynth at /nowhere\.so: apt-get install amsynth"):
        Amsynth("/nowhere.so")
    monkeypatch.setenv("TIMBREL_AMSYNTH", str(tmp_path / "gone.so"))
    with pytest.raises(BadInput, match=r"gone\.so: apt-get install amsynth"):
        find_amsynth()


@pytest.mark.needs("amsynth")
def test_where_its_banks_are_missing_one_line_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("timbrel.synths.amsynth._BANKS", (tmp_path,))
    with pytest.raises(BadInput, match=r"no banks of amsynth in .*: apt-get install amsynth"):
        Amsynth().factory_banks()


@pytest.mark.needs("amsynth")
def test_a_bank_without_presets_is_named(monkeypatch, tmp_path):
    (tmp_path / "empty.bank").write_text("amSynth\nEOF\n")
    monkeypatch.setattr("timbrel.synths.amsynth._BANKS", (tmp_path,))
    with pytest.raises(BadPatch, match=r"empty\.bank: holds no patch"):
        Amsynth().factory_banks()


@pytest.fixture(scope="module")
def amsynth():
    synth = load_synth("amsynth")
    yield synth
    synth.host.end()


def spectrum(audio):
    return torch.fft.rfft(audio * torch.hann_window(len(audio))).abs()


def play(synth, pitch=60.0, velocity=1.0, seconds=1.0, **knobs):
    notes = Notes.of(pitch, velocity, seconds)
    return synth.render(synth.parameters.vector(knobs), notes).audio[0]


@pytest.mark.needs("amsynth")
def test_renders_are_the_same_to_the_bit_in_any_order_and_on_other_processes(amsynth, generator):
    vectors = torch.rand(6, len(KNOBS), generator=generator)
    vectors = torch.stack([KNOBS.space.project(v) for v in vectors])
    notes = Notes.of([40, 50, 60, 70, 80, 60], duration_s=0.3)
    first = amsynth.render(vectors, notes).audio
    back = amsynth.render(vectors.flip(0), notes[[5, 4, 3, 2, 1, 0]]).audio.flip(0)
    assert torch.equal(first, back)
    other = Amsynth(processes=1)
    assert torch.equal(other.render(vectors[2], notes[[2]]).audio[0], first[2])
    other.host.end()


@pytest.mark.needs("amsynth")
@pytest.mark.parametrize("pitch", [57.0, 57.4, 60.0])
def test_pitches_between_keys_are_played(amsynth, pitch):
    bins = spectrum(play(amsynth, pitch, osc1_waveform=0)[4410:44100])
    got = float(bins.argmax()) * 44100 / 39690
    assert got == pytest.approx(440 * 2 ** ((pitch - 69) / 12), abs=0.6)


@pytest.mark.needs("amsynth")
def test_a_bend_is_followed(amsynth):
    bend = torch.cat([torch.zeros(50), torch.ones(100)])[None]
    notes = Notes(torch.tensor([60.0]), torch.ones(1), torch.tensor([1.5]), bend)
    audio = amsynth.render(KNOBS.vector({"osc1_waveform": 0}), notes).audio[0]
    for start, pitch in ((4410, 60), (30000, 61)):
        bins = spectrum(audio[start : start + 15000])
        assert float(bins.argmax()) * 44100 / 15000 == pytest.approx(
            440 * 2 ** ((pitch - 69) / 12), abs=2
        )


@pytest.mark.needs("amsynth")
def test_choices_are_called_what_they_are(amsynth):
    names = {c.name: c.choices for c in KNOBS}
    dry = {"osc_mix": -1.0, "filter_kbd_track": 0.0}
    energy = {}
    for number, name in enumerate(names["osc1_waveform"]):
        bins = spectrum(play(amsynth, 69.0, osc1_waveform=number, **dry)[4410:44100])
        harmonics = bins[[396 * k for k in (1, 2, 3)]] / bins.norm()
        energy[name] = harmonics.tolist()
    assert energy["sine"][0] > 0.5
    assert max(energy["sine"][1:]) < 0.01
    assert energy["triangle or saw"][1] > 0.05
    assert max(energy["white noise"]) < 0.1


@pytest.mark.needs("amsynth")
def test_filters_are_called_what_they_are(amsynth):
    share = {}
    for number, name in enumerate(next(c.choices for c in KNOBS if c.name == "filter_type")):
        audio = play(amsynth, 60.0, osc1_waveform=3, osc_mix=-1.0, filter_type=number,
                     filter_cutoff=0.5, filter_slope=1)[4410:44100]  # fmt: skip
        power = spectrum(audio).square()
        cutoff = round(261.6 * 16**0.5 / (44100 / 39690))
        bands = power[: cutoff // 2].mean(), power[cutoff - 50 : cutoff + 50].mean(), power[
            cutoff * 2 : cutoff * 8].mean()  # fmt: skip
        share[name] = [float(10 * (band / max(bands)).log10()) for band in bands]
    assert share["low pass"][2] < -15
    assert share["high pass"][0] < -15
    assert share["band pass"][0] < -6
    assert share["band pass"][2] < -6
    assert share["notch"][1] < -6
    assert min(share["bypass"]) > -3


@pytest.mark.needs("amsynth")
def test_the_plug_in_knows_the_same_knobs(amsynth):
    found = amsynth.host.controls()
    assert tuple(knob["name"] for knob in found) == KNOBS.names
    ours = [c.to_knob(c.default) for c in KNOBS]
    assert [knob["default"] for knob in found] == pytest.approx(ours, abs=1e-6)


@pytest.mark.needs("amsynth")
def test_its_volume_never_makes_softer(amsynth):
    # `levelled` finds its place by halving
    knob = amsynth.parameters.names.index(amsynth.volume)
    patches = amsynth.parameters.defaults.repeat(9, 1)
    patches[:, knob] = torch.linspace(0, 1, 9)
    loud = amsynth.render(patches, Notes.of([60.0] * 9, 0.8, 0.5)).audio.square().mean(-1)
    assert bool((loud.diff() > 0).all())
    assert float(loud[-1] / loud[1]) > 100
