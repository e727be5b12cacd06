from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from certificates.keeper import Keeper
from certificates.state.vault import Vault
from certificates.web import CHALLENGE, create_app
from unit.certificates.made import NAMES, local_authority
from unit.certificates.stored import Rows

QUESTION = "SELECT answer"
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
PROVISIONAL = local_authority()[0].provisional(NAMES)


@pytest.fixture
def records() -> Rows:
    return Rows(Vault("secret"), {QUESTION: [{"answer": "key authorization"}]})


@pytest.fixture
def client(records: Rows, tmp_path: Path) -> FlaskClient:
    keeper = Keeper("acme", NAMES, records, tmp_path, PROVISIONAL)
    return create_app(keeper, records, "the-token").test_client()


def test_a_challenge_is_answered(client: FlaskClient) -> None:
    answer = client.get(CHALLENGE + TOKEN)
    assert (answer.status_code, answer.text) == (200, "key authorization")
    assert answer.mimetype == "application/octet-stream"


def test_a_challenge_that_nobody_put_up_is_not_found(client: FlaskClient, records: Rows) -> None:
    records.answers = {QUESTION: []}
    assert client.get(CHALLENGE + TOKEN).status_code == 404


@pytest.mark.parametrize(
    "token",
    ["", "short", "x" * 15, "x" * 129, f"{TOKEN}.", f"{TOKEN}%0a", f"{TOKEN}/", f"../{TOKEN}", "é" * 40],
)
def test_what_is_no_token_is_not_looked_up(token: str, client: FlaskClient, records: Rows) -> None:
    assert client.get(CHALLENGE + token).status_code == 404
    assert records.asked == []


@pytest.mark.parametrize("token", ["x" * 16, "x" * 128, "-" * 43, "_" * 43])
def test_what_may_be_a_token_is_looked_up(token: str, client: FlaskClient, records: Rows) -> None:
    assert client.get(CHALLENGE + token).status_code == 200
    assert records.asked == [QUESTION]


def test_without_the_database_it_is_not_said_that_there_is_no_challenge(
    client: FlaskClient, records: Rows
) -> None:
    records.away = True
    assert client.get(CHALLENGE + TOKEN).status_code == 503


@pytest.mark.parametrize(
    "given", [None, "", "the-token", "Bearer", "Bearer ", "Bearer the-toke", "Bearer the-token ", "Bearer é"]
)
def test_nobody_gets_the_key_without_the_token(given: str | None, client: FlaskClient) -> None:
    answer = client.get("/traefik", headers={} if given is None else {"Authorization": given})
    assert answer.status_code == 401
    assert "BEGIN" not in answer.text


def test_traefik_gets_its_certificate_even_without_the_database(client: FlaskClient, records: Rows) -> None:
    records.away = True
    answer = client.get("/traefik", headers={"Authorization": "Bearer the-token"})
    pair = {"certFile": PROVISIONAL.chain, "keyFile": PROVISIONAL.key}
    tls = {"certificates": [pair], "stores": {"default": {"defaultCertificate": pair}}}
    assert (answer.status_code, answer.json) == (200, {"tls": tls})


def test_the_program_is_healthy_even_without_the_database(client: FlaskClient, records: Rows) -> None:
    records.away = True
    assert client.get("/healthz").status_code == 200
    assert records.asked == []


def test_there_is_nothing_else(client: FlaskClient) -> None:
    assert client.get("/").status_code == 404
    assert client.post("/traefik", headers={"Authorization": "Bearer the-token"}).status_code == 405
