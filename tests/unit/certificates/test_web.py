from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.test import Client

from certificates.keeper import Keeper
from certificates.state import bundle
from certificates.state.vault import Vault
from certificates.web import CHALLENGE, for_strangers, for_traefik
from unit.certificates.made import NAMES, local_authority
from unit.certificates.stored import Rows

QUESTION = "SELECT answer"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
VAULT = Vault("secret")
LOCAL, _ = local_authority()
BEARER = {"Authorization": "Bearer the-token"}


@pytest.fixture
def records() -> Rows:
    return Rows(VAULT, {QUESTION: [{"answer": "key authorization"}]})


@pytest.fixture
def stranger(records: Rows) -> Client:
    return Client(for_strangers(records))


def client_of(records: Rows, folder: Path, authority: str = "acme") -> Client:
    """Return Traefik as a client, without the database."""
    records.away = True
    keeper = Keeper(authority, NAMES, records, folder, LOCAL)
    return Client(for_traefik(keeper, ["the-token", "the-other"]))


def test_a_challenge_is_answered(stranger: Client) -> None:
    answer = stranger.get(CHALLENGE + TOKEN)
    assert (answer.status_code, answer.text) == (200, "key authorization")
    assert answer.mimetype == "application/octet-stream"


def test_a_challenge_that_nobody_put_up_is_not_found(stranger: Client, records: Rows) -> None:
    records.answers = {QUESTION: []}
    assert stranger.get(CHALLENGE + TOKEN).status_code == 404


@pytest.mark.parametrize(
    "token",
    ["", "short", "x" * 15, "x" * 129, f"{TOKEN}.", f"{TOKEN}%0a", f"{TOKEN}/", f"../{TOKEN}", "é" * 40],
)
def test_what_is_no_token_is_not_looked_up(token: str, stranger: Client, records: Rows) -> None:
    assert stranger.get(CHALLENGE + token).status_code == 404
    assert records.asked == []


@pytest.mark.parametrize("token", ["x" * 16, "x" * 128, "-" * 43, "_" * 43])
def test_what_may_be_a_token_is_looked_up(token: str, stranger: Client, records: Rows) -> None:
    assert stranger.get(CHALLENGE + token).status_code == 200
    assert records.asked == [QUESTION]


def test_without_the_database_it_is_not_said_that_there_is_no_challenge(
    stranger: Client, records: Rows
) -> None:
    records.away = True
    assert stranger.get(CHALLENGE + TOKEN).status_code == 503


@pytest.mark.parametrize(
    "given", [None, "", "the-token", "Bearer", "Bearer ", "Bearer the-toke", "Bearer the-token ", "Bearer é"]
)
@pytest.mark.parametrize("authority", [LOCAL.name, "acme"], ids=["local", "acme"])
def test_nobody_gets_the_key_without_the_token(
    authority: str, given: str | None, records: Rows, tmp_path: Path
) -> None:
    """Nor hears whether there is one."""
    traefik = client_of(records, tmp_path, authority)
    answer = traefik.get("/traefik", headers={} if given is None else {"Authorization": given})
    assert answer.status_code == 401
    assert "BEGIN" not in answer.text


# What the volume has.
VOLUMES = {
    "one for both names": [LOCAL.provisional(NAMES)],
    "one for each name": [LOCAL.provisional((name,)) for name in NAMES],
}


@pytest.mark.parametrize("case", VOLUMES)
def test_traefik_gets_its_certificates_even_without_the_database(
    case: str, records: Rows, tmp_path: Path
) -> None:
    bundle.write(tmp_path, VAULT, VOLUMES[case])
    answer = client_of(records, tmp_path).get("/traefik", headers=BEARER)
    pairs = [{"certFile": one.chain, "keyFile": one.key} for one in VOLUMES[case]]
    tls = {"certificates": pairs, "stores": {"default": {"defaultCertificate": pairs[0]}}}
    assert (answer.status_code, answer.json) == (200, {"tls": tls})


def test_traefik_keeps_what_it_has_while_nothing_is_known(records: Rows, tmp_path: Path) -> None:
    answer = client_of(records, tmp_path).get("/traefik", headers=BEARER)
    assert answer.status_code == 503
    assert "BEGIN" not in answer.text


@pytest.mark.parametrize("path", ["/", "/traefik"])
def test_strangers_ask_for_nothing_else(path: str, stranger: Client) -> None:
    assert stranger.get(path, headers=BEARER).status_code == 404


@pytest.mark.parametrize("path", ["/", CHALLENGE + TOKEN])
def test_traefik_asks_for_nothing_else(path: str, records: Rows, tmp_path: Path) -> None:
    traefik = client_of(records, tmp_path)
    assert traefik.get(path, headers=BEARER).status_code == 404
    refused = traefik.post("/traefik", headers=BEARER)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
