"""What the prober makes of what it is told, and whom it trusts."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from http.client import HTTPMessage as Message
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from kit.inside import Inside
from prober import metrics
from prober.attempt import Attempt, signed
from prober.edges import AwayError, Edges, trust
from prober.outcome import Outcome, outcome_of
from prober.pages import Answer, Pages
from prober.screen import newest
from prober.settings import Settings, read
from vote.probe import read_probe

ID = "0123456789abcdef" * 2


@pytest.fixture
def environment(tmp_path: Path, inside: Inside) -> dict[str, str]:
    (tmp_path / "key").write_text("hush\n")
    return {
        "VOTE_HOST": "vote.localhost",
        "RESULT_HOST": "result.localhost",
        "LOCAL_CA_FILE": str(inside.authority),
        "PROBE_KEY_FILE": str(tmp_path / "key"),
    }


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    return read(environment)


@pytest.mark.parametrize(
    ("status", "told", "outcome"),
    [
        (200, "accepted", Outcome.ACCEPTED),
        (503, "closed", Outcome.CLOSED),
        (503, "paused", Outcome.PAUSED),
        (503, "not_recorded", Outcome.NOT_RECORDED),
        (503, "unsupported", Outcome.UNSUPPORTED),
        (503, "accepted", Outcome.REFUSED),
        (503, "shown", Outcome.REFUSED),
        (503, None, Outcome.REFUSED),
        (503, ["closed"], Outcome.REFUSED),
        (200, None, Outcome.REFUSED),
        (200, "closed", Outcome.REFUSED),
        (400, None, Outcome.REFUSED),
        (502, None, Outcome.REFUSED),
    ],
)
def test_only_what_vote_itself_says_is_more_than_a_refusal(
    status: int, told: object, outcome: Outcome
) -> None:
    assert outcome_of(status, told) == outcome


@pytest.mark.parametrize(
    ("packet", "found"),
    [
        ('42["probe",{"newest":["x","y"]}]', ["x", "y"]),
        ('42["probe",{"newest":[]}]', []),
        ('42["scores",{"a":1}]', []),
        ('42["probe"]', []),
        ('42["probe",["x"]]', []),
        ("42[", []),
        ("2", []),
        ('0{"sid":"x"}', []),
        ("", []),
    ],
)
def test_a_packet_tells_of_test_votes_or_of_something_else(packet: str, found: list[str]) -> None:
    assert newest(packet) == found


def test_the_vote_service_knows_what_the_prober_signs_and_nothing_else() -> None:
    text = signed(ID, "hush")
    assert read_probe(text, ["hush"]) == read_probe(text, ["another", "hush"]) == ID
    strangers = [text.replace("0", "1", 1), text + "0", text.upper(), text[:-1], ID, "", f"{ID}.", f" {text}"]
    assert [read_probe(stranger, ["hush"]) for stranger in strangers] == [None] * len(strangers)
    assert read_probe(text, ["other"]) is None
    assert read_probe(signed(ID, ""), []) is None


def test_what_is_sent_names_no_option(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that knows no test votes would count one that does."""
    sent: list[bytes] = []

    def ask(_pages: Pages, *asked: Any) -> Answer:
        sent.append(asked[-1])
        return Answer(503, Message(), b'{"outcome": "closed"}')

    monkeypatch.setattr(Pages, "_ask", ask)
    assert Pages(settings, Edges(settings)).vote("x.y") == Outcome.CLOSED
    assert sent == [b"probe=x.y"]


def test_a_page_that_says_that_voting_is_paused_has_come(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is for the answer to the test vote to say so, which no alert takes for a fault."""
    paused = Message()
    paused["Vote-Intake"] = "maintenance"
    answers = [Answer(503, paused, b""), Answer(200, Message(), b"<progress"), Answer(503, Message(), b"")]
    monkeypatch.setattr(Pages, "_ask", lambda *_: answers.pop(0))
    Pages(settings, Edges(settings)).look()
    with pytest.raises(AwayError, match="vote answers 503"):
        Pages(settings, Edges(settings)).look()


def test_two_pages_of_one_host_are_under_paths(environment: dict[str, str]) -> None:
    assert not read(environment).by_path
    assert read({**environment, "RESULT_HOST": "vote.localhost"}).by_path


def test_the_key_is_in_no_text_of_the_settings(settings: Settings) -> None:
    assert settings.probe_key == "hush"
    assert "hush" not in repr(settings)


def test_without_acme_the_stack_s_own_authority_alone_is_trusted(settings: Settings) -> None:
    assert len(trust(settings).get_ca_certs()) == 1


def test_with_acme_a_private_authority_is_trusted_beside_the_system_s(
    environment: dict[str, str], inside: Inside
) -> None:
    plain = trust(read({**environment, "ACME_EMAIL": "a@example.org"})).get_ca_certs()
    private = {"ACME_EMAIL": "a@example.org", "ACME_CA_FILE": str(inside.authority)}
    assert len(trust(read({**environment, **private})).get_ca_certs()) == len(plain) + 1


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def serve(listener: socket.socket, certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    def answer() -> None:
        plain, _ = listener.accept()
        try:
            context.wrap_socket(plain, server_side=True).close()
        except OSError:
            plain.close()

    threading.Thread(target=answer, daemon=True).start()


def test_an_edge_that_is_away_is_passed_over_as_browsers_do(
    environment: dict[str, str], listener: socket.socket, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = str(listener.getsockname()[1])
    monkeypatch.setattr("prober.edges.addresses_of", lambda *_: ["127.0.0.2", "127.0.0.1"])
    serve(listener, inside.file("postgres-1"))
    Edges(read({**environment, "EDGE_PORT": port})).open("postgres-1", 1.0).close()


def test_where_one_shows_a_certificate_for_another_host_no_other_is_tried(
    environment: dict[str, str], listener: socket.socket, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = str(listener.getsockname()[1])
    monkeypatch.setattr("prober.edges.addresses_of", lambda *_: ["127.0.0.1", "127.0.0.2"])
    serve(listener, inside.file("postgres-1"))
    with pytest.raises(AwayError, match=r"^127\.0\.0\.1 shows no valid certificate for vote\.localhost"):
        Edges(read({**environment, "EDGE_PORT": port})).open("vote.localhost", 1.0)


def test_a_name_that_nobody_knows_is_no_edge(environment: dict[str, str]) -> None:
    with pytest.raises(AwayError, match=r"nowhere\.invalid"):
        Edges(read({**environment, "EDGE_HOST": "nowhere.invalid"})).open("vote.localhost", 1.0)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"vote_app_{name}", labels) or 0.0


@pytest.mark.parametrize(
    ("done", "acknowledged", "shown"),
    [
        (Attempt(Outcome.SHOWN, 0.02, 0.2), 1, 1),
        (Attempt(Outcome.NOT_SHOWN, 0.02), 1, 0),
        (Attempt(Outcome.CLOSED), 0, 0),
    ],
)
def test_what_became_of_it_is_counted_and_the_times_where_there_are_any(
    done: Attempt, acknowledged: int, shown: int
) -> None:
    def now() -> tuple[float, float, float]:
        return (
            sample("probes_total", outcome=done.outcome),
            sample("probe_seconds_count", until="acknowledged"),
            sample("probe_seconds_count", until="shown"),
        )

    before = now()
    metrics.note(done)
    assert now() == (before[0] + 1, before[1] + acknowledged, before[2] + shown)


def test_an_event_as_the_result_service_sends_it_is_understood() -> None:
    event: list[Any] = ["probe", {"newest": [ID]}]
    assert newest(f"42{json.dumps(event, separators=(',', ':'))}") == [ID]
