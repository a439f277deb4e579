import pytest

from timbrel.evaluate.trials import INTERVALS, interval_trials, self_trials, spread


@pytest.mark.parametrize("interval", INTERVALS)
def test_trials_are_of_one_instrument_and_interval(sines, interval):
    trials = interval_trials(sines, interval, 100)
    assert trials
    for trial in trials:
        source, target = sines[trial.source], sines[trial.target]
        assert target.pitch - source.pitch in INTERVALS[interval]
        assert source.instrument_str == target.instrument_str
        assert (source.velocity, source.hold_s) == (target.velocity, target.hold_s)


def test_every_possible_pair_is_found(sines):
    # 36-48, 45-57, 48-60, 60-72, 72-84 in each of four instruments
    assert len(interval_trials(sines, "12", 100)) == 5 * 4
    assert len(interval_trials(sines, "minus_24", 100)) == 3 * 4


def test_instruments_come_in_turn(sines):
    trials = self_trials(sines, 4)
    assert len({int(sines.instrument[t.source]) for t in trials}) == 4
    assert all(t.source == t.target for t in trials)


def test_the_draw_depends_on_the_seed_alone(sines):
    assert self_trials(sines, 6, seed=1) == self_trials(sines, 6, seed=1)
    assert self_trials(sines, 6, seed=1) != self_trials(sines, 6, seed=2)
    assert self_trials(sines, 3, seed=1) == self_trials(sines, 6, seed=1)[:3]


def test_spread_takes_all_there_is():
    assert sorted(spread([[1, 2, 3], [], [4]], 10)) == [1, 2, 3, 4]
    assert spread([], 10) == []
