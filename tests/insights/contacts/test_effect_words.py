from dataclasses import replace

from domain.interventions import (
    Effect,
    Verdict,
)
from insights.contacts.effect import effect
from insights.contacts.effect_words import in_words
from tests.lib.contact_parts import sampled


def test_effects_in_words_give_the_figures_with_their_intervals() -> None:
    words = in_words(effect(sampled(500, 0.5)))
    assert words.startswith("Prevents no-shows: ")
    assert "of no-shows prevented (95 % interval " in words
    assert " of sessions (−" in words
    assert "by 100 contacts (" in words


def test_contacts_that_do_harm_are_said_to() -> None:
    sample = sampled(500, 0.6)
    found: Effect = effect(replace(sample, contacted=~sample.contacted))
    assert found.verdict is Verdict.HARMS
    assert in_words(found).startswith("More no-shows: −")
