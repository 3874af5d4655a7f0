"""Agreement of docs/admin.md with the pages of the dashboard."""

import re

from tests.lib.paths import ROOT
from ui.app import PAGES

ROW = re.compile(r"^\| \[([^\]]+)\]\(#([a-z0-9-]+)\) \| `([^`]+)` \| `([^`]+)` \| \S.*\|$", re.MULTILINE)
TEXT = (ROOT / "docs" / "admin.md").read_text()


def test_the_table_lists_every_page_with_its_address_and_permission_in_order() -> None:
    listed = [(title, address, permission) for title, _, address, permission in ROW.findall(TEXT)]
    assert listed == [(page.title, page.address, page.permission.value) for page in PAGES]


def test_every_page_has_a_section_that_says_what_to_do() -> None:
    sections = dict(re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", TEXT, re.MULTILINE))
    assert list(sections) == [page.title for page in PAGES]
    assert [title for title, text in sections.items() if "What to do" not in text] == []


def test_links_of_the_table_lead_to_the_sections() -> None:
    assert [(title, anchor) for title, anchor, *_ in ROW.findall(TEXT)] == [
        (page.title, page.title.lower().replace(" ", "-")) for page in PAGES
    ]
