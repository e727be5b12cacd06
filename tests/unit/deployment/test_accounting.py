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
        (replace(GOOD, settling=3), "45 queued, 3 on their way. None is known to be missing.", 0),
        (replace(GOOD, entries=1_200), "None is missing. The queue holds 1,200 entries.", 0),
        (replace(GOOD, entries=1), "None is missing. The queue holds 1 entry.", 0),
        (
            replace(GOOD, silent=1),
            "None is known to be missing. 1 process fell silent without a last word.",
            0,
        ),
        (
            replace(GOOD, silent=2, lost=1, entries=3),
            "1 is missing. 2 processes fell silent without a last word. The queue holds 3 entries.",
            1,
        ),
        (
            replace(GOOD, uncounted="2026-01-02T03:04:05+00:00"),
            "None is known to be missing. "
            "Votes were also stored without numbers, last at 2026-01-02 03:04 UTC.",
            0,
        ),
        (
            replace(GOOD, unknown=4, unjudged=3, uncounted="2026-01-02T03:04:05+00:00"),
            "4 unknown. None is known to be missing. Votes were also stored without numbers, "
            "last at 2026-01-02 03:04 UTC: 3 of the unknown may be among them.",
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


@pytest.mark.parametrize(
    ("found", "unchecked"),
    [
        (UNKNOWN, False),  # or an observer of a release before this one
        (Picture(1.0, keeps_accounts=True), True),
        (Picture(1.0, accounts=replace(GOOD, lost=None), keeps_accounts=True), True),
        (Picture(1.0, accounts=GOOD, keeps_accounts=True), False),
        (Picture(1.0, accounts=replace(GOOD, lost=1), keeps_accounts=True), False),
    ],
)
def test_what_nobody_knows_is_not_checked(found: Picture, unchecked: bool) -> None:
    assert strength.votes_unchecked(found) == ["whether acknowledged votes are lost"] * unchecked


@pytest.mark.parametrize(
    ("account", "told"),
    [
        (replace(GONE, ended=True), "2026-01-01 10:00:00 (its last word)"),
        (replace(GONE, silent=True), "2026-01-01 10:00:00 (silent)"),
        (replace(GONE, told=None), "never"),
    ],
)
def test_the_table_says_when_a_process_told_last(account: Account, told: str) -> None:
    assert accounting.rows(Accounts(processes=(account,)))[0][-1] == told


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
