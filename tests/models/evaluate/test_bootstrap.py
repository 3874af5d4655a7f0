from models.evaluate.bootstrap import draws


def test_the_bootstrap_draws_as_many_tutors_as_there_are() -> None:
    drawn = list(draws(3, repeats=7, seed=0))
    assert len(drawn) == 7
    assert all(weights.size == 3 and weights.sum() == 3 for weights in drawn)
    assert len({tuple(weights) for weights in drawn}) > 1
