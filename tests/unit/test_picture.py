"""The observer's picture crosses the border of a process: what it writes is what deploy.py reads."""

import dataclasses
import re

import pytest
from psycopg.types.multirange import Multirange

from deployment.plan.cluster.picture import (
    Account,
    Accounts,
    Backups,
    Certificates,
    Picture,
    Poll,
    Postgres,
    Queue,
    Redis,
    Votes,
)
from observer import audit, picture, question
from observer.gaps import Gaps

POLL = re.findall(r"\w+", question.POLL.partition("FROM")[0])[1:]
ASKED = re.findall(r"\w+", question.CERTIFICATES.partition("FROM")[0])[1:]
OF_ONE = audit.Account("p", None, False, None, Multirange(), Multirange(), 0, 0, 0, 0)
WRITTEN = {
    Account: audit.describe(OF_ONE, Gaps(), Gaps()),
    Accounts: audit.Audit(lambda: audit.Book([OF_ONE], None), lambda: (0, [], []), lambda: None)(),
    Postgres: picture.summarize_postgres({}),
    Redis: picture.summarize_redis({}),
    Queue: {**picture.summarize_queue(None, None, None), "waiting_seconds": 0.0},
    Votes: picture.summarize_votes(None),
    Poll: {
        name: value
        for name, value in (picture.summarize_poll(dict.fromkeys(POLL), None) or {}).items()
        if name != "revision"
    },
    Backups: picture.summarize_backups({"postgres-1": {"archive": {}}}) or {},
    Certificates: picture.summarize_certificates(dict.fromkeys(ASKED)) or {},
}


@pytest.mark.parametrize("part", WRITTEN, ids=lambda part: part.__name__)
def test_both_sides_have_the_same_words(part: type[Picture]) -> None:
    assert {field.name for field in dataclasses.fields(part)} == WRITTEN[part].keys()
