"""What Alertmanager makes of its configuration: who is told, what is kept back, and what arrives."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deployment.configuration import settings
from deployment.configuration.settings import Settings
from deployment.plan.alerting import alertmanager_config
from kit.containers import DockerError, docker
from kit.images import built
from kit.services import free_port
from kit.waiting import wait_until

RUNBOOK = "docs/runbooks/NoPrimary.md"
MAIL = {
    "alert_email_to": "a@example.org,b@example.org",
    "alert_email_from": "stack@example.org",
    "alert_smarthost": "mail.example.org:587",
}
WEBHOOK = {"alert_webhook_url": "https://example.org/alerts"}
WATCHDOG = {"alert_watchdog_url": "https://example.net/ping"}

Alert = tuple[str, ...]
"""The name of an alert, and its other labels."""


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.fixture(scope="module")
def image() -> str:
    return built("prometheus")


@pytest.fixture
def secrets(tmp_path: Path) -> dict[str, str]:
    """Return settings whose secrets stand in files."""
    password, slack = tmp_path / "password", tmp_path / "slack"
    password.write_text("hush\n")
    slack.write_text("https://hooks.slack.com/services/T/B/hush\n")
    account = {"alert_smtp_username": "stack", "alert_smtp_password_file": str(password)}
    return account | {"alert_slack_url_file": str(slack)}


def written(folder: Path, **given: str) -> Path:
    """Write the configuration for these settings to a file."""
    path = folder / "alertmanager.yml"
    path.write_text(alertmanager_config(settings.load(**given)))
    return path


def amtool(image: str, path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    mounted = ("--volume", f"{path}:/alertmanager.yml:ro")
    command = ("docker", "run", "--rm", "--network", "none", *mounted, image, "amtool", *arguments)
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.parametrize(
    "given",
    [{}, MAIL, WEBHOOK, WATCHDOG, MAIL | WEBHOOK | WATCHDOG],
    ids=["nobody", "mail", "webhook", "watchdog", "all"],
)
def test_the_configuration_is_valid(image: str, tmp_path: Path, given: dict[str, str]) -> None:
    checked = amtool(image, written(tmp_path, **given), "check-config", "/alertmanager.yml")
    assert checked.returncode == 0, checked.stderr


def test_the_configuration_with_secrets_in_files_is_valid(
    image: str, tmp_path: Path, secrets: dict[str, str]
) -> None:
    checked = amtool(image, written(tmp_path, **MAIL, **secrets), "check-config", "/alertmanager.yml")
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=NoPrimary", "severity=page"), "people"),
        (("alertname=DeadLetters", "severity=ticket"), "people"),
        (("alertname=Watchdog", "severity=none"), "watchdog"),
    ],
)
def test_each_alert_goes_where_it_belongs(
    image: str, tmp_path: Path, labels: tuple[str, ...], receiver: str
) -> None:
    path = written(tmp_path, **WEBHOOK, **WATCHDOG)
    routed = amtool(image, path, "config", "routes", "test", "--config.file=/alertmanager.yml", *labels)
    assert routed.stdout.strip() == receiver


class Listener(ThreadingHTTPServer):
    """Keeps what Alertmanager sends, by the path that it is sent to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Delivery)
        self.received: list[tuple[str, dict[str, Any]]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def alerts(self, path: str) -> list[dict[str, Any]]:
        """Return the alerts that came to a path."""
        return [alert for at, body in self.received if at == path for alert in body["alerts"]]


class Delivery(BaseHTTPRequestHandler):
    """One notification."""

    server: Listener

    def do_POST(self) -> None:
        """Keep it."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class Alertmanager:
    """A running one, on the network of this machine: it has to reach the listener."""

    def __init__(self, image: str, path: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.name = docker(
            "run", "--detach", "--network", "host", "--volume", f"{path}:/alertmanager.yml:ro",
            image, "prometheus-alertmanager", "--config.file=/alertmanager.yml", "--storage.path=/tmp",
            "--cluster.listen-address=", f"--web.listen-address={self.url.removeprefix('http://')}",
        )  # fmt: skip
        wait_until(self.answers, 30)

    def amtool(self, *arguments: str) -> str:
        """Ask it, or tell it."""
        return docker("exec", self.name, "amtool", f"--alertmanager.url={self.url}", *arguments)

    def answers(self) -> bool:
        """Whether it serves."""
        try:
            return bool(self.amtool("config", "show"))
        except DockerError:
            return False

    def fire(self, name: str, *labels: str) -> None:
        """Let an alert fire."""
        notes = ("--annotation=summary=It is so.", f"--annotation=runbook_url={RUNBOOK}")
        self.amtool("alert", "add", f"alertname={name}", *labels, *notes)

    def alerts(self, state: str) -> set[frozenset[str]]:
        """Return the labels of the alerts in a state: active or inhibited."""
        found = json.loads(self.amtool("alert", "query", f"--{state}", "--output=json"))
        return {frozenset(f"{name}={value}" for name, value in alert["labels"].items()) for alert in found}


def labels(alerts: Iterable[Alert]) -> set[frozenset[str]]:
    return {frozenset({f"alertname={name}", *others}) for name, *others in alerts}


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as http:
        yield http
        http.shutdown()


@pytest.fixture
def alertmanager(image: str, tmp_path: Path, listener: Listener) -> Iterator[Alertmanager]:
    base = f"http://127.0.0.1:{listener.server_port}"
    path = written(tmp_path, alert_webhook_url=f"{base}/people", alert_watchdog_url=f"{base}/watchdog")
    running = Alertmanager(image, path)
    yield running
    docker("rm", "--force", running.name)


def test_people_hear_of_a_cause_with_its_runbook_and_not_of_what_follows_from_it(
    alertmanager: Alertmanager, listener: Listener
) -> None:
    alertmanager.fire("Watchdog", "severity=none")
    alertmanager.fire("NoPrimary", "severity=page", "cluster=redis")
    alertmanager.fire("VotesRefused", "severity=page", "kind=fast")
    alertmanager.fire("ReplicasShort", "severity=page", "cluster=redis")
    told = wait_until(lambda: listener.alerts("/people"), 60)
    assert [alert["labels"]["alertname"] for alert in told] == ["NoPrimary"]
    assert told[0]["annotations"]["runbook_url"] == RUNBOOK
    assert {alert["labels"]["alertname"] for alert in listener.alerts("/watchdog")} == {"Watchdog"}


@pytest.mark.parametrize(
    ("cause", "consequences", "apart"),
    [
        (
            ("NoPrimary", "severity=page", "cluster=postgres"),
            [
                *(("QueueStuck", "severity=page"), ("ResultStale", "severity=page", "kind=pulse")),
                ("NoSynchronousStandby", "severity=page", "cluster=postgres"),
            ],
            ("VotesRefused", "severity=page", "kind=fast"),
        ),
        (
            ("NoSynchronousStandby", "severity=page", "cluster=postgres"),
            [("ResultStale", "severity=page", "kind=pulse")],
            ("ResultStale", "severity=page", "kind=tally", "instance=a"),
        ),
        (
            ("ExporterSilent", "severity=page", "kind=absent", "part=worker"),
            [("ResultStale", "severity=page", "kind=pulse")],
            ("QueueStuck", "severity=page"),
        ),
        (
            ("TwoPrimaries", "severity=page", "cluster=postgres"),
            [("NoPrimary", "severity=page", "cluster=postgres")],
            ("ReplicasShort", "severity=page", "cluster=redis"),
        ),
        (
            ("DiskFilling", "severity=page", "instance=a", "device=/dev/vda"),
            [("DiskFilling", "severity=ticket", "kind=low", "instance=a", "device=/dev/vda")],
            ("DiskFilling", "severity=ticket", "kind=low", "instance=b", "device=/dev/vda"),
        ),
        (
            ("ExporterSilent", "severity=page", "kind=absent", "part=vote"),
            [],
            ("ExporterSilent", "severity=ticket", "kind=absent", "part=traefik"),
        ),
        (
            ("ServiceShort", "severity=page", "kind=none", "service=worker"),
            [("ServiceShort", "severity=ticket", "service=worker")],
            ("ServiceShort", "severity=ticket", "service=vote"),
        ),
    ],
    ids=["no primary", "no standby", "no worker", "two primaries", "disk", "exporter", "service"],
)
def test_what_follows_from_a_cause_is_kept_back_and_nothing_else(
    alertmanager: Alertmanager,
    cause: Alert,
    consequences: list[Alert],
    apart: Alert,
) -> None:
    for alert in (cause, *consequences, apart):
        alertmanager.fire(*alert)
    wait_until(
        lambda: alertmanager.alerts("inhibited") == labels(consequences),
        describe=lambda: f"kept back: {alertmanager.alerts('inhibited')}",
    )
    assert alertmanager.alerts("active") == labels([cause, apart])
