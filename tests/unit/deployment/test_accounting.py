"""What `deploy.py audit` says."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from deployment.cli import looking
from deployment.cli import main as cli
from deployment.engine import observer
from deployment.errors import DeployError
from deployment.plan.cluster import accounting, strength
from deployment.plan.cluster.picture import UNKNOWN, Account, Accounts, Picture

GOOD = Accounts(12_345, 12_300, 45, lost=0, judged=True)
GONE = Account("c0ffee-1-ab", 10, 7, 1, lost=2, numbers=((4, 4), (7, 8)), told="2026-01-01T10:00:00+00:00")


@pytest.mark.parametrize(
    ("accounts", "sentence", "code"),
    [
        (GOOD, "12,345 votes acknowledged: 12,300 stored, 45 queued. None is missing.", 0),
        (Accounts(lost=0), "0 votes acknowledged: 0 stored. None is missing.", 0),
        (
            replace(GOOD, queued=44, lost=1),
            "12,345 votes acknowledged: 12,300 stored, 44 queued, 1 lost. 1 is missing.",
            1,
        ),
        (replace(GOOD, lost=2, unknown=1, dead=3), "2 are missing.", 1),
        (replace(GOOD, lost=None), "Whether one is missing is not known yet: ask again in a minute.", 4),
        (replace(GOOD, settling=3), "45 queued, 3 on their way. None is missing.", 0),
        (
            replace(GOOD, entries=1_200),
            "None is missing. The queue holds 1,200 more entries.",
            0,
        ),
        (replace(GOOD, unknown=3, dead=2), "2 dead letters, 3 unknown. None is known to be missing.", 0),
    ],
)
def test_one_sentence_says_it(accounts: Accounts, sentence: str, code: int) -> None:
    assert accounting.sentence(accounts).endswith(sentence)
    assert accounting.exit_code(accounts) == code


def test_a_lost_vote_is_named_by_process_and_number() -> None:
    assert accounting.rows(Accounts(processes=(GONE,))) == [
        ("c0ffee-1-ab", "10", "7", "1", "0", "2 (4, 7-8)", "0", "2026-01-01 10:00:00")
    ]


@pytest.mark.parametrize(
    ("accounts", "missing"),
    [
        (None, []),
        (GOOD, []),
        (replace(GOOD, lost=None), []),
        (replace(GOOD, lost=2), ["2 acknowledged votes are lost (which: `python3 deploy.py audit`)"]),
    ],
)
def test_a_lost_vote_is_missing_in_the_status(accounts: Accounts | None, missing: list[str]) -> None:
    assert strength.votes_lost(replace(UNKNOWN, accounts=accounts)) == missing


def run(monkeypatch: pytest.MonkeyPatch, accounts: Accounts | None, *options: str) -> tuple[int, str]:
    monkeypatch.setattr(looking, "manager", lambda: None)
    monkeypatch.setattr(observer, "observe", lambda _: Picture(1.0, accounts=accounts))
    result = CliRunner().invoke(cli.app, ["audit", *options])
    if isinstance(result.exception, DeployError):
        raise result.exception
    return result.exit_code, result.stdout


def test_the_verb_prints_a_row_for_each_process(monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = run(monkeypatch, Accounts(10, 7, 1, lost=2, processes=(GONE,)))
    assert code == 1
    assert "c0ffee-1-ab" in said
    assert "2 (4, 7-8)" in said
    assert said.endswith("10 votes acknowledged: 7 stored, 1 queued, 2 lost. 2 are missing.\n")


def test_the_verb_prints_json(monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = run(monkeypatch, Accounts(lost=0, processes=(GONE,)), "--json")
    assert (code, json.loads(said)["processes"][0]["numbers"]) == (0, [[4, 4], [7, 8]])


def test_who_cannot_be_asked_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeployError, match="Nobody here can say") as error:
        run(monkeypatch, None)
    assert error.value.code == accounting.NOT_KNOWN
