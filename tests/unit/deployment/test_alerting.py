"""Who is told of alerts: by each way that is set, without a secret in the text; a word where nobody is."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deployment.configuration import settings
from deployment.configuration.layout import ROOT
from deployment.configuration.settings import Settings
from deployment.errors import DeployError
from deployment.operations.release import source
from deployment.plan.alerting import alertmanager_config, unheard
from deployment.plan.release.release import changes

MAIL = {
    "alert_email_to": "a@example.org,b@example.org",
    "alert_email_from": "stack@example.org",
    "alert_smarthost": "mail.example.org:587",
}
WEBHOOK = {"alert_webhook_url": "https://example.org/alerts"}
WATCHDOG = {"alert_watchdog_url": "https://example.net/ping"}
SLACK = "https://hooks.slack.com/services/T/B/hush"


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


@pytest.fixture
def secrets(tmp_path: Path) -> dict[str, str]:
    """Return settings whose secrets stand in files."""
    password, slack = tmp_path / "password", tmp_path / "slack"
    password.write_text("hush\n")
    slack.write_text(f"{SLACK}\n")
    return {
        "alert_smtp_username": "stack",
        "alert_smtp_password_file": str(password),
        "alert_slack_url_file": str(slack),
    }


def config(**given: str) -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(alertmanager_config(settings.load(**given)))
    return made


def receivers(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {receiver.pop("name"): receiver for receiver in made["receivers"]}


def ways(**given: str) -> set[str]:
    return set(receivers(config(**given)).get("people", {}))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, set()),
        (WATCHDOG, set()),
        (MAIL, {"email_configs"}),
        (WEBHOOK, {"webhook_configs"}),
        (MAIL | WEBHOOK | WATCHDOG, {"email_configs", "webhook_configs"}),
    ],
)
def test_people_are_told_by_each_way_that_is_set_and_otherwise_a_warning_says_so(
    given: dict[str, str], expected: set[str]
) -> None:
    assert ways(**given) == expected
    warned = unheard(settings.load(**given))
    assert [text for text in warned if "nobody will be told" in text] == ([] if expected else warned)
    assert len(warned) == (0 if expected else 1)


def test_secrets_are_named_as_files_and_are_not_in_the_text(secrets: dict[str, str]) -> None:
    text = alertmanager_config(settings.load(**MAIL, **secrets))
    people = receivers(yaml.safe_load(text))["people"]
    (mail,), (slack,) = people["email_configs"], people["slack_configs"]
    assert (mail["auth_username"], mail["auth_password_file"]) == (
        "stack",
        "/run/secrets/alert_smtp_password",
    )
    assert slack["api_url_file"] == "/run/secrets/alert_slack_url"
    assert "hush" not in text


def test_mail_goes_to_all_and_without_an_account_where_none_is_set() -> None:
    (mail,) = receivers(config(**MAIL))["people"]["email_configs"]
    assert mail == {
        "to": "a@example.org, b@example.org",
        "from": "stack@example.org",
        "smarthost": "mail.example.org:587",
        "send_resolved": True,
    }


@pytest.mark.parametrize(
    ("given", "people", "watchdog"),
    [
        ({}, "nobody", "nobody"),
        (WEBHOOK, "people", "nobody"),
        (WATCHDOG, "nobody", "watchdog"),
        (WEBHOOK | WATCHDOG, "people", "watchdog"),
    ],
)
def test_the_watchdog_goes_to_its_listener_alone(given: dict[str, str], people: str, watchdog: str) -> None:
    route = config(**given)["route"]
    first, page = route["routes"]
    assert (route["receiver"], page["receiver"], first["receiver"]) == (people, people, watchdog)
    assert (first["matchers"], first["repeat_interval"]) == (['alertname="Watchdog"'], "1m")


def test_a_file_that_is_no_secret_of_its_kind_is_refused_and_not_quoted(
    tmp_path: Path, secrets: dict[str, str]
) -> None:
    bad = tmp_path / "bad"
    bad.write_text("hush\nhush\n")
    for name, complaint in (
        ("alert_smtp_password_file", "does not hold one line"),
        ("alert_slack_url_file", "does not hold the address of an incoming webhook"),
    ):
        with pytest.raises(DeployError, match=f"{name.upper()}: .* {complaint}") as refused:
            settings.load(**MAIL, **(secrets | {name: str(bad)}))
        assert "hush" not in str(refused.value)


@pytest.mark.parametrize("name", ["alert_webhook_url", "alert_watchdog_url"])
@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("https://example.org/alerts?token=hush", "has a \\? in it"),
        ("https://me:hush@example.org/alerts", "has a user or password in it"),
        ("example.org/hush", "is not an address"),
    ],
)
def test_an_address_with_a_secret_in_it_is_refused_and_not_quoted(
    name: str, url: str, complaint: str
) -> None:
    with pytest.raises(DeployError, match=f"{name.upper()}: {complaint}") as refused:
        settings.load(**{name: url})
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "example.org",
            "https://example.org/",
            "https://example.org/votes/",
            "https://",
            "ftp://example.org",
        ),
        *("https://example.org/?a=b", "https://example.org/#a", "https://example.org/it's", "https://a.b/$x"),
    ],
)
def test_an_address_that_no_page_of_a_runbook_can_be_put_after_is_refused(url: str) -> None:
    with pytest.raises(DeployError, match="RUNBOOKS_URL"):
        settings.load(runbooks_url=url)


@pytest.mark.parametrize("url", ["", "https://example.org", "http://git.example.org:8080/a/votes/src/v1.2"])
def test_prometheus_alone_is_told_where_the_runbooks_are(url: str) -> None:
    release = source.made({}, settings.load(monitoring=True, runbooks_url=url), {}, "a,b")
    assert release.services["prometheus"]["environment"]["RUNBOOKS_URL"] == url
    named = yaml.safe_load(release.files["stack/monitoring/prometheus/prometheus.yml"])
    assert named["global"]["external_labels"] == {"runbooks": '{{ env "RUNBOOKS_URL" }}'}
    before = source.made({}, settings.load(monitoring=True), {}, "a,b")
    assert set(changes(before, release)) == ({"prometheus"} if url else set())


def test_an_account_without_mail_is_refused(secrets: dict[str, str]) -> None:
    with pytest.raises(DeployError, match="ALERT_SMTP_USERNAME is for mail"):
        settings.load(**secrets)


def test_by_hand_it_is_what_a_deployment_without_receivers_has() -> None:
    text = (ROOT / source.RECEIVERS).read_text()
    assert yaml.safe_load(text) == yaml.safe_load(alertmanager_config(Settings()))


@pytest.mark.parametrize("monitoring", [True, False])
def test_a_release_has_the_receivers_and_their_secrets_where_it_is_watched(
    secrets: dict[str, str], monitoring: bool
) -> None:
    """Where it is not, they would be made at each `up` and swept again."""
    given = settings.load(**MAIL, **WEBHOOK, **secrets).model_copy(update={"monitoring": monitoring})
    release = source.made({}, given, dict.fromkeys(given.given, "x_1"), "a,b")
    named = [path for path in release.stack if "alert-" in path]
    assert set(given.given) == ({"alert_smtp_password", "alert_slack_url"} if monitoring else set())
    assert [Path(path).name for path in named] == (
        ["alert-mail.yaml", "alert-slack.yaml"] if monitoring else []
    )
    assert (release.files.get(source.RECEIVERS) == alertmanager_config(given)) == monitoring
    if monitoring:
        assert release.services["alertmanager"]["secrets"] == dict.fromkeys(given.given, "x_1")
