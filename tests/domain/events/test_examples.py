from pydantic import TypeAdapter

from cli.docs.events import events_page
from domain.events.events import Event
from domain.events.examples import TYPES, example
from tests.lib.paths import ROOT

PAGE = ROOT / "docs" / "events.md"


def test_every_type_has_an_example_that_the_schema_takes_and_a_place_on_the_page() -> None:
    page = events_page(PAGE)
    for kind in TYPES:
        assert TypeAdapter(Event).validate_python(example(kind)).type == kind
        assert f"### `{kind}`" in page
    assert "| `rating` | number from 1 to 5 |  |" in page
    assert "| `initiator` | `tutor`, `student`, `platform` | required |" in page
