"""What the pages say, in each language of words.toml."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from unicodedata import bidirectional

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

Words = Mapping[str, str]

LANGUAGES: Mapping[str, Words] = tomllib.loads(
    Path(__file__).with_name("words.toml").read_text(encoding="utf-8")
)
DEFAULT = "en"
ISOLATE, END_OF_ISOLATE = "\u2068", "\u2069"


@lru_cache(maxsize=1024)
def best_language(accepted: str) -> str:
    """Return the language to answer in, given an Accept-Language header; English when none is known."""
    # werkzeug's own choice would prefer `fr;q=0.5` to `en-GB`.
    for tag, quality in parse_accept_header(accepted, LanguageAccept):
        primary = tag.replace("_", "-").split("-")[0].lower()
        if quality > 0 and primary in LANGUAGES:
            return primary
    return DEFAULT


def language_of(environ: Mapping[str, Any]) -> str:
    """Return the language to answer a request in."""
    return best_language(environ.get("HTTP_ACCEPT_LANGUAGE", ""))


def isolated(name: str) -> str:
    """Return a name; one that runs from right to left, between marks that keep its sentence in order.

    Unicode's first strong isolate and its end. Who searches a page for "Cats" is not to stumble over them.
    """
    from_right = any(bidirectional(character) in {"R", "AL"} for character in name)
    return f"{ISOLATE}{name}{END_OF_ISOLATE}" if from_right else name


def question_of(names: Sequence[str], words: Words) -> str:
    """Return the question that two or more options ask when nobody has put one."""
    shown = [isolated(name) for name in names]
    return words["question"].format(rest=", ".join(shown[:-1]), last=shown[-1])


def describe(code: int, reason: str, words: Words) -> tuple[str, str]:
    """Return the heading and the sentence for an error; a reason that has its own comes first."""
    known = f"error_{code}" if f"error_{code}" in words else "error_other"
    return words.get(f"{reason}_name", words[f"{known}_name"]), words.get(reason, words[known])
