import pytest
from scipy import stats

from insights.rates.intervals import t_quantile


@pytest.mark.parametrize("degrees", [5, 10, 40, 1000])
def test_the_t_quantile_is_students(degrees: int) -> None:
    for share in (0.975, 0.9875, 0.95):
        assert t_quantile(share, degrees) == pytest.approx(stats.t.ppf(share, degrees), abs=1e-3)
