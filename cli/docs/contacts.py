"""The page on contacts: how they are drawn and measured, and the diagram of their life, all from the code."""

from domain.interventions import TRANSITIONS
from insights.contacts import effect as outcomes
from insights.contacts import plan as contacts


def contacts_page() -> str:
    """Markdown, with the life cycle as a Mermaid diagram."""
    lines = [
        "# Contacts and what they are worth",
        "",
        "`tqs contacts plan | list | done | effect`, and the dashboard's page of contacts.",
        "",
        "## Whom to contact, and whom chance leaves out",
        "",
        _described(contacts.__doc__),
        "",
        "## What contacts are worth",
        "",
        _described(outcomes.__doc__),
        "",
        f"Below {outcomes.MIN_NO_SHOWS} no-shows or {outcomes.MIN_TUTORS} tutors in either arm: too few to say.",
        "",
        "## The life of a contact",
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
    """A module's docstring without its title."""
    return (doc or "").partition("\n\n")[2].strip()
