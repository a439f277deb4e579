import math
import operator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from timbrel.errors import BadInput
from timbrel.sound import Dimension, Kind, TimbreSpace
from timbrel.timbre import Bank, Entry, WeightedSum, blend, offset, parse

VIOLIN, PIANO, FLUTE = (
    torch.tensor([1.0, 0, 0]),
    torch.tensor([0, 1.0, 0]),
    torch.tensor([3.0, 3, 3]),
)
BRIGHT, DARK = torch.tensor([0, 0, 2.0]), torch.tensor([0, 0, -3.0])


@pytest.fixture
def bank() -> Bank:
    bank = Bank("a model")
    for name, timbre in {"violin": VIOLIN, "piano": PIANO, "nylon guitar": FLUTE}.items():
        bank.add(name, timbre)
    bank.add("acoustic", torch.tensor([0.5, 0.5, 0]), "mean")
    bank.add("synthetic", torch.tensor([0, 0, 1.0]), "mean")
    bank.add("bright", BRIGHT, "direction")
    bank.add("dark", DARK, "direction")
    return bank


def test_the_designs_own_expressions(bank):
    got = blend("violin + 0.5*bright - dark", bank.lookup)
    assert torch.equal(got, VIOLIN + 0.5 * BRIGHT - DARK)
    got = blend("piano - acoustic + synthetic", bank.lookup)
    assert torch.equal(got, PIANO - bank["acoustic"] + bank["synthetic"])
    assert torch.equal(blend("'nylon guitar' - dark", bank.lookup), FLUTE - DARK)


def test_a_sound_alone_comes_back_to_the_bit(bank):
    violin = torch.randn(3)
    bank.add("violin", violin, replace=True)
    assert torch.equal(blend("violin + 0*bright", bank.lookup), violin)


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("a - b - c", {"a": 1, "b": -1, "c": -1}),
        ("a - (b - c)", {"a": 1, "b": -1, "c": 1}),
        ("2*(a + b/4)*.5", {"a": 1, "b": 0.25}),
        ("(1 - 0.25)*a + 0.25*b", {"a": 0.75, "b": 0.25}),
        ("--a - -b", {"a": 1, "b": 1}),
        ("a + a", {"a": 2}),
        ("1e-1*a/2e0", {"a": 0.05}),
        ("flöte \u2212 2\u00d7b", {"flöte": 1, "b": -2}),
        ('\'it\'\'s\' + "say ""a"""', {"it's": 1, 'say "a"': 1}),
        (r"'C:\sounds\a b.wav'", {r"C:\sounds\a b.wav": 1}),
        ("a\t+\nb", {"a": 1, "b": 1}),
    ],
)
def test_arithmetic(text, weights):
    assert parse(text).weights == pytest.approx(weights)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty expression: write one such as"),
        ("  ", "an empty expression"),
        ("0.5", '"0.5" is a number, not a sound'),
        ("a + ", r"wanted a sound or a number, got the end \(column 4 of"),
        ("a + * b", r"wanted a sound or a number, got '\*' \(column 5 "),
        ("nylon guitar", r"'guitar' follows .* write 'nylon guitar' in quotes .*\(column 7 "),
        ("0.5violin", r"write 0.5\*violin \(column 4 "),
        ("a + 3", r"a number cannot be added to a sound: .*\(column 3 "),
        ("a * b", r"two sounds cannot be multiplied: .*\(column 3 "),
        ("a / b", r"only a number can divide a sound \(column 3 "),
        ("a / (1 - 1)", r"division by zero \(column 3 "),
        ("2*(a + b", r"this parenthesis is never closed \(column 3 "),
        ("a)", r"this parenthesis was never opened \(column 2 "),
        ("a; b", r"';' means nothing here: .*\(column 2 "),
        ("__import__('os')", r"'\(' follows without an operator"),
        ("'abc", r"the quote ' is never closed, .*\(column 1 "),
        ("a + ''", r"the quote ' is never closed, or nothing is inside it \(column 5 "),
        ("1e999*a", "gives a a weight beyond all numbers"),
        ("(" * 5000 + "a", "nested more than 40 deep"),
        ("a" * 10_001, "an expression of 10001 characters: at most 10000"),
    ],
)
def test_errors_are_one_line_that_points(text, message):
    with pytest.raises(BadInput, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_sounds_that_are_mixed_are_parts_of_a_recipe(bank):
    assert torch.equal(blend("violin + piano", bank.lookup), (VIOLIN + PIANO) / 2)
    got = blend("2*violin + piano + 0.5*bright", bank.lookup)
    assert torch.allclose(got, VIOLIN * 2 / 3 + PIANO / 3 + 0.5 * BRIGHT)
    assert torch.equal(blend("1e308*violin + 1e308*piano", bank.lookup), (VIOLIN + PIANO) / 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2*violin", r"takes 2 of one sound: write violin alone, or mix it"),
        ("0.5*violin + bright", "takes 0.5 of one sound"),
        ("violin + piano + synthetic - acoustic", "its sounds add up to 2, wanted 1"),
        ("violin - piano", "its sounds add up to 0, wanted 1"),
        ("bright - dark", "names no sound: write 'violin \\+ bright - dark'"),
    ],
)
def test_what_is_no_sound_is_refused(bank, text, message):
    with pytest.raises(BadInput, match=message):
        blend(text, bank.lookup)


def test_offsets_are_what_leaves_no_sound_over(bank):
    assert torch.equal(offset("bright - dark", bank.lookup), BRIGHT - DARK)
    assert torch.equal(offset("violin - piano", bank.lookup), VIOLIN - PIANO)
    with pytest.raises(BadInput, match=r'"violin" is a sound, not a direction: .* add up to 1'):
        offset("violin", bank.lookup)


def test_unknown_names_are_pointed_at_with_the_nearest(bank):
    message = r"^unknown sound 'violn': did you mean 'violin'\? \(column 9 of \"piano \+ violn\"\)$"
    with pytest.raises(BadInput, match=message):
        blend("piano + violn", bank.lookup)


def test_the_caller_resolves_names(bank):
    def lookup(name: str) -> Entry | torch.Tensor:
        return torch.full((3,), 7.0) if name.endswith(".wav") else bank.lookup(name)

    assert torch.equal(blend("'my sound.wav' + bright", lookup), torch.tensor([7.0, 7, 9]))
    with pytest.raises(BadInput, match="b has 2 numbers, the others 3: take all sounds from one"):
        blend("a + b", lambda name: torch.zeros(3 if name == "a" else 2))


def test_a_space_keeps_the_result_legal(bank):
    space = TimbreSpace((Dimension("level", Kind.RANGE, 3),))
    assert blend("violin + bright", bank.lookup, space).tolist() == [1, 0, 1]
    with pytest.raises(BadInput, match="timbre has shape"):
        blend("violin", bank.lookup, TimbreSpace.gaussian(4))


finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.dictionaries(st.text(min_size=1, max_size=12), finite, min_size=1, max_size=6))
def test_a_weighted_sum_survives_its_own_text(weights):
    total = WeightedSum(weights)
    assert parse(str(total)) == total


@given(st.text(alphabet="ab0.5e+-*/() '\"", max_size=40) | st.text(max_size=40))
def test_any_text_parses_or_is_refused(text):
    try:
        total = parse(text)
    except BadInput:  # one line by the error's own nature; anything else fails the test
        return
    else:
        assert all(math.isfinite(weight) for weight in total.weights.values())
        assert parse(str(total)) == total


SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
LEAVES = {"a": 3.0, "b": -1.5, "2.5": 2.5, "'c d'": 0.25}


def written(tree) -> str:
    """A tree of (left, sign, right) as text, the right side negated."""
    if isinstance(tree, str):
        return tree
    left, sign, right = tree
    return f"({written(left)}) {sign} -({written(right)})"


def worked_out(tree) -> float:
    """The same tree by Python's operators: the oracle."""
    if isinstance(tree, str):
        return LEAVES[tree]
    left, sign, right = tree
    return SIGNS[sign](worked_out(left), -worked_out(right))


@given(st.recursive(
    st.sampled_from(list(LEAVES)),
    lambda inner: st.tuples(inner, st.sampled_from(list(SIGNS)), inner),
    max_leaves=8,
))  # fmt: skip
def test_agrees_with_pythons_own_arithmetic(tree):
    values = {"a": 3.0, "b": -1.5, "c d": 0.25}
    try:
        weights = parse(written(tree)).weights
    except BadInput:
        return
    wanted = worked_out(tree)
    got = sum(weight * values[name] for name, weight in weights.items())
    assert got == pytest.approx(wanted, rel=1e-9, abs=1e-9)
