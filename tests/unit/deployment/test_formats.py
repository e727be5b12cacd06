"""Nobody is given to read what he cannot."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from deployment.configuration.layout import STACK_FILE
from deployment.plan.release import formats
from deployment.plan.release.formats import READS, Formats
from vote.ballot import Ballot as Vote
from vote.ballot import entries
from worker.ballot import Entry, open_entry

NAMES = {("id", "vote", "version"): "entry-1", ("votes",): "entry-2"}
"""The format of an entry, by the names of its fields."""


def side(**services: tuple[str, str]) -> list[Formats]:
    """Return services by what they read and write."""
    return [Formats(name, frozenset(r.split()), frozenset(w.split())) for name, (r, w) in services.items()]


NOW = side(vote=("", "entry-1 entry-2"), worker=("entry-1 entry-2 schema-1", "schema-1"))
OLDER = side(vote=("", "entry-1"), worker=("entry-1 schema-1", "schema-1"))
NEWER = side(vote=("", "entry-3"), worker=("entry-1 entry-2 entry-3 schema-1", "schema-1"))
MIGRATED = side(worker=("schema-1 schema-2", "schema-2"), result=("schema-2", ""))


@pytest.mark.parametrize(
    ("before", "after", "undrained", "lost"),
    [
        (NOW, NOW, "", ""),
        (OLDER, OLDER, "", ""),
        (NOW, OLDER, "worker cannot read entry-2", ""),
        (OLDER, NOW, "worker cannot read entry-2", ""),
        (NOW, NEWER, "worker cannot read entry-3", ""),
        (NEWER, NOW, "worker cannot read entry-3", ""),
        (MIGRATED, NOW, "", "worker cannot read schema-2"),
        (NOW, MIGRATED, "", "result cannot read schema-1"),
        (
            side(a=("", "postgresql-18")),
            side(a=("postgresql-17", "postgresql-17")),
            "",
            "a cannot read postgresql-18",
        ),
        (
            side(a=("", "postgresql-17")),
            side(a=("postgresql-18", "postgresql-18")),
            "",
            "a cannot read postgresql-17",
        ),
        (side(a=("", "redis-8")), side(b=("postgresql-17", "")), "", ""),
        ([], NOW, "", ""),
    ],
    ids=[
        *("the same", "the same of before", "an older worker comes", "an older worker goes"),
        *("a newer vote comes", "a newer vote goes", "the schema of before", "a schema too far"),
        *("older files", "newer files", "other kinds", "nothing runs"),
    ],
)
def test_what_cannot_be_read(before: list[Formats], after: list[Formats], undrained: str, lost: str) -> None:
    assert formats.undrained(before, after) == undrained
    assert formats.lost(before, after) == lost


def specification(reads: str) -> Mapping[str, Any]:
    return {"Labels": {READS: reads}}


@pytest.mark.parametrize(
    ("state", "reads"),
    [
        (None, ["entry-2"]),
        ("completed", ["entry-2"]),
        ("rollback_completed", ["entry-2"]),
        ("updating", ["entry-2", "entry-1"]),
        ("paused", ["entry-2", "entry-1"]),
        ("rollback_started", ["entry-2", "entry-1"]),
    ],
)
def test_a_service_under_way_reads_and_writes_as_both_releases_do(
    state: str | None, reads: list[str]
) -> None:
    api = {
        "Spec": specification("entry-2"),
        "PreviousSpec": specification("entry-1"),
        **({"UpdateStatus": {"State": state}} if state else {}),
    }
    assert [sorted(each.reads) for each in formats.of_specification("worker", api)] == [
        [each] for each in reads
    ]


def test_a_release_without_labels_has_the_formats_of_then() -> None:
    assert (
        formats.undrained(formats.of_services({"vote": {}, "worker": {}}), OLDER)
        == "worker cannot read entry-2"
    )
    assert formats.lost(formats.of_services({"redis-1": {}}), NOW) == ""


def test_the_stack_file_says_what_the_services_do() -> None:
    services = yaml.safe_load(STACK_FILE.read_text())["services"]
    told = {each.service: each for each in formats.of_services(services)}
    votes = [Vote("v", "a", number) for number in range(3)]
    written = [entry for together in (votes[:1], votes) for entry in entries(together)]
    kinds = {NAMES[entry[::2]] for entry in written}
    assert told["vote"].writes == kinds
    assert {each for each in told["worker"].reads if each.startswith("entry")} == kinds
    for entry in written:
        fields = {name.encode(): value.encode() for name, value in zip(entry[::2], entry[1::2], strict=True)}
        assert not open_entry(Entry(b"1-0", fields)).poison
