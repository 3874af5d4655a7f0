import pytest

from domain.schema import KINDS, FieldType, Kind


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_has_its_key_as_a_required_field_and_orders_fields_it_has(kind: Kind) -> None:
    assert kind.field(kind.key).required
    assert len({field.name for field in kind.fields}) == len(kind.fields)
    for earlier, later in kind.ordered:
        assert {kind.field(earlier).type, kind.field(later).type} == {FieldType.TIME}
    with pytest.raises(KeyError):
        kind.field("cups_of_tea")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_value_has_a_rule_of_its_type(kind: Kind) -> None:
    for field in kind.fields:
        assert (field.within is not None) is (field.type is FieldType.NUMBER)
        assert (field.choices is not None) is (field.type is FieldType.CHOICE)
        assert (field.rule is not None or field.zone) is (field.type is FieldType.TEXT)


def test_what_is_referred_to_comes_first() -> None:
    loaded: set[str] = set()
    for kind in KINDS.values():
        referred = {field.refers_to for field in kind.fields if field.refers_to}
        assert referred <= loaded
        loaded.add(kind.name)


def test_a_field_of_the_outcome_is_late() -> None:
    late = {field.name for field in KINDS["sessions"].fields if field.late}
    assert late == {"outcome_known_at", "initiated_by", "late_minutes", "duration_minutes", "rating"}
