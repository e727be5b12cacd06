from __future__ import annotations

import re
from importlib.resources import files
from string import Formatter

import pytest

from result.exports import plain
from result.numerals import count_of, percent_of
from result.words import LANGUAGES, best_language, describe, question_of


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_say_the_same_things(language: str) -> None:
    words, model = LANGUAGES[language], LANGUAGES["en"]
    assert list(words) == list(model)
    for key, sentence in words.items():
        assert sentence, key
        assert placeholders(sentence) == placeholders(model[key]), key
    assert words["direction"] in ("ltr", "rtl")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA,fr;q=0.9", "fr"),
        ("de, fr;q=0.7, en;q=0.3", "fr"),
        ("en-GB, fr;q=0.9", "en"),
        ("fr;q=0, *", "en"),
        ("en;q=0.1, FR_ca", "fr"),
        ("de", "en"),
        (";;q=x", "en"),
    ],
)
def test_the_best_language(accepted: str, language: str) -> None:
    assert best_language(accepted) == language


@pytest.mark.parametrize(
    ("names", "language", "question"),
    [
        (["Cats", "Dogs"], "en", "Cats or Dogs?"),
        (["A", "B", "{C}"], "en", "A, B or {C}?"),
        (["Cats", "Dogs"], "fr", "Cats ou Dogs\u00a0?"),
    ],
)
def test_a_question_nobody_put(names: list[str], language: str, question: str) -> None:
    assert question_of(names, LANGUAGES[language]) == question


def test_names_from_right_to_left_keep_to_themselves() -> None:
    name = "חתולים"
    asked = question_of(["Cats", name], LANGUAGES["en"])
    assert asked == f"Cats or \u2068{name}\u2069?"
    assert plain(asked) == f"Cats or {name}?"


@pytest.mark.parametrize(
    ("code", "reason", "keys"),
    [
        (404, "The requested URL was not found.", ("error_404_name", "error_404")),
        (503, "not_known", ("error_503_name", "not_known")),
        (418, "", ("error_other_name", "error_other")),
    ],
)
def test_errors_are_described(code: int, reason: str, keys: tuple[str, str]) -> None:
    for words in LANGUAGES.values():
        assert describe(code, reason, words) == (words[keys[0]], words[keys[1]])


@pytest.mark.parametrize(
    ("language", "count", "percent"),
    [("en", "1,234,567", "66.7%"), ("fr", "1\u202f234\u202f567", "66,7\u202f%")],
)
def test_numbers_are_written_as_browsers_do(language: str, count: str, percent: str) -> None:
    assert count_of(1234567, LANGUAGES[language]) == count
    assert percent_of(200 / 3, LANGUAGES[language]) == percent


def test_no_word_of_the_pages_stands_in_a_template() -> None:
    for template in (files("result") / "templates").iterdir():
        markup = re.sub(r"{[{%].*?[}%]}|<[^>]*>", " ", template.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert set(re.findall(r"\w+", markup)) <= {"JSON", "CSV"}, template.name
