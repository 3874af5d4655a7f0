import pytest

from domain.errors import InvalidSettings
from domain.retention import LEAST, Kept
from gateways.settings import keep_periods, load_settings


@pytest.mark.parametrize("kind", Kept)
def test_every_kind_has_a_setting_that_refuses_less_than_the_least_time(kind: Kept) -> None:
    name = f"TQS_KEEP_{kind.value.upper()}_DAYS"
    assert keep_periods(load_settings({name: str(LEAST.days)}))[kind] == LEAST
    assert kind not in keep_periods(load_settings({name: "0"}))
    with pytest.raises(InvalidSettings, match=name):
        load_settings({name: str(LEAST.days - 1)})
