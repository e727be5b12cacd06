"""The catalogue: nothing missing in any language, and the right one for each visitor."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from vote.words import LANGUAGES, best_language, describe, isolated, question_of


def placeholders(words: Mapping[str, str]) -> dict[str, list[str]]:
    return {key: sorted(re.findall(r"{\w*}", text)) for key, text in words.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language: str) -> None:
    assert placeholders(LANGUAGES[language]) == placeholders(LANGUAGES["en"])
    assert all(LANGUAGES[language].values())


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("de,fr;q=0.5", "fr"),
        ("de, ja", "en"),
        ("en-GB,fr;q=0.9", "en"),
        ("*", "en"),
        (";;q=,,=", "en"),
        ("fr;q=0,en", "en"),
    ],
)
def test_the_visitor_is_answered_in_a_language_they_read(accepted: str, language: str) -> None:
    assert best_language(accepted) == language


@pytest.mark.parametrize(
    ("names", "language", "question"),
    [
        (["Cats", "Dogs"], "en", "Cats or Dogs?"),
        (["Cats", "Dogs", "Birds"], "en", "Cats, Dogs or Birds?"),
        (["Chats", "Chiens"], "fr", "Chats ou Chiens\u00a0?"),
        (["{rest}", "b"], "en", "{rest} or b?"),
    ],
)
def test_the_question(names: list[str], language: str, question: str) -> None:
    assert question_of(names, LANGUAGES[language]) == question


@pytest.mark.parametrize(
    ("name", "shown"), [("Cats", "Cats"), ("قطط", "\u2068قطط\u2069"), ("2 חתולים", "\u20682 חתולים\u2069")]
)
def test_names_from_right_to_left_keep_to_themselves(name: str, shown: str) -> None:
    assert isolated(name) == shown


@pytest.mark.parametrize(
    ("code", "reason", "sentence"),
    [
        (400, "no_such_option", "There is no such option to vote for."),
        (400, "The browser (or proxy) sent a request…", "This request could not be understood."),
        (404, "", "There is nothing here. The address may be mistyped."),
        (418, "", "The mistake is ours. Please try again in a moment."),
    ],
)
def test_errors_are_told_in_the_catalogues_words(code: int, reason: str, sentence: str) -> None:
    assert describe(code, reason, LANGUAGES["en"])[1] == sentence
