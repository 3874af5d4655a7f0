"""docs/contacts.md: the draw of contacts, the estimate of their effect and their life cycle, from the code."""

from domain.interventions import TRANSITIONS
from insights.contacts import effect as outcomes
from insights.contacts import plan as contacts


def contacts_page() -> str:
    """Returns Markdown, with the life cycle as a Mermaid diagram."""
    lines = [
        "# Contacts and their effect",
        "",
        "`tqs contacts plan | list | done | effect`, and the page **Contacts** of the dashboard.",
        "",
        "## Contact list and holdout",
        "",
        _described(contacts.__doc__),
        "",
        "## Effect of contacts",
        "",
        _described(outcomes.__doc__),
        "",
        f"Below {outcomes.MIN_NO_SHOWS} no-shows or {outcomes.MIN_TUTORS} tutors in either arm: too few to say.",
        "",
        "## Life cycle of a contact",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> planned",
        *(f"    {status} --> {to}" for status, following in TRANSITIONS.items() for to in sorted(following)),
        *(f"    {status} --> [*]" for status, following in TRANSITIONS.items() if not following),
        "```",
    ]
    return "\n".join(lines) + "\n"


def _described(doc: str | None) -> str:
    """Returns a module's docstring without its first paragraph."""
    return (doc or "").partition("\n\n")[2].strip()
