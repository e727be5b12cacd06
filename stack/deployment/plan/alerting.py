"""Who is told of which alert, how soon and how often: Alertmanager's configuration, without any secret."""

from typing import Any

import yaml

from deployment.configuration.settings import Settings

Node = dict[str, Any]

PEOPLE, LISTENER, NOBODY = "people", "watchdog", "nobody"
SMTP_PASSWORD, SLACK_URL = "alert_smtp_password", "alert_slack_url"
"""Keys of the secrets that the configuration names as files."""
UNHEARD = (
    "No receiver of alerts is set: nobody will be told. Set ALERT_EMAIL_TO, ALERT_WEBHOOK_URL or "
    "ALERT_SLACK_URL_FILE in stack/.env, then run `up` again."
)
SLACK_TEXT = (
    "{{ range .Alerts }}{{ .Annotations.summary }} {{ .Annotations.description }}\n"
    "{{ .Annotations.runbook_url }}\n{{ end }}"
)
STALE = {"alertname": "ResultStale", "kind": "pulse"}
"""No worker writes. Of the other kind, `tally`, the cause lies between one replica and the database."""
# Of one cause, what is only its consequence: that is kept back while the cause is known.
CONSEQUENCES: tuple[tuple[Node, Node, tuple[str, ...]], ...] = (
    ({"alertname": "TwoPrimaries"}, {"alertname": "NoPrimary"}, ("cluster",)),
    (
        {"alertname": "NoPrimary"},
        {"alertname": "NoSynchronousStandby|ReplicasShort|ReplicationLag|SlotHoldsWal"},
        ("cluster",),
    ),
    (
        {"alertname": "NoPrimary", "cluster": "redis"},
        {"alertname": "VotesRefused|VotesSlow|QueueStuck"},
        (),
    ),
    ({"alertname": "NoPrimary", "cluster": "postgres"}, {"alertname": "QueueStuck"}, ()),
    ({"alertname": "NoPrimary", "cluster": "postgres"}, STALE, ()),
    ({"alertname": "NoSynchronousStandby"}, {"alertname": "ReplicasShort"}, ("cluster",)),
    ({"alertname": "NoSynchronousStandby"}, {"alertname": "QueueStuck"}, ()),
    ({"alertname": "NoSynchronousStandby"}, STALE, ()),
    ({"alertname": "ExporterSilent", "part": "worker"}, STALE, ()),
    ({"alertname": "CertificateExpiring"}, {"alertname": "CertificateProblem"}, ()),
)


def alertmanager_config(settings: Settings) -> str:
    """Return the configuration for these receivers; passwords are files under /run/secrets."""
    receivers = [_people(settings), _listener(settings), {"name": NOBODY}]
    used = [receiver for receiver in receivers if len(receiver) > 1 or receiver["name"] == NOBODY]
    names = {receiver["name"] for receiver in used}
    whole = {"route": _route(names), "inhibit_rules": _inhibitions(), "receivers": used}
    return yaml.safe_dump(whole, sort_keys=False, width=110)


def unheard(settings: Settings) -> list[str]:
    """Return a warning where there is nobody to tell."""
    return [] if len(_people(settings)) > 1 else [UNHEARD]


def _people(settings: Settings) -> Node:
    """Return the receiver of all alerts, by every way that is set."""
    ways = {
        "email_configs": [_email(settings)] if settings.alert_email_to else [],
        "webhook_configs": [{"url": settings.alert_webhook_url}] if settings.alert_webhook_url else [],
        "slack_configs": [_slack()] if settings.alert_slack_url_file else [],
    }
    return {"name": PEOPLE} | {way: configs for way, configs in ways.items() if configs}


def _email(settings: Settings) -> Node:
    account = {
        "auth_username": settings.alert_smtp_username,
        "auth_password_file": f"/run/secrets/{SMTP_PASSWORD}",
    }
    return {
        "to": settings.alert_email_to,
        "from": settings.alert_email_from,
        "smarthost": settings.alert_smarthost,
        "send_resolved": True,
        **(account if settings.alert_smtp_username else {}),
    }


def _slack() -> Node:
    return {"api_url_file": f"/run/secrets/{SLACK_URL}", "send_resolved": True, "text": SLACK_TEXT}


def _listener(settings: Settings) -> Node:
    """Return the receiver outside that raises the alarm when the Watchdog does not come."""
    url = settings.alert_watchdog_url
    return {"name": LISTENER} | ({"webhook_configs": [{"url": url, "send_resolved": False}]} if url else {})


def _route(names: set[str]) -> Node:
    """Return the ways of the alerts: a page soon and every hour, a ticket once a day."""
    people, listener = (name if name in names else NOBODY for name in (PEOPLE, LISTENER))
    watchdog = {"group_wait": "0s", "group_interval": "30s", "repeat_interval": "1m"}
    return {
        "receiver": people,
        "group_by": ["alertname", "cluster"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "24h",
        "routes": [
            {"matchers": ['alertname="Watchdog"'], "receiver": listener, **watchdog},
            {
                "matchers": ['severity="page"'],
                "receiver": people,
                "group_wait": "10s",
                "group_interval": "1m",
                "repeat_interval": "1h",
            },
        ],
    }


def _inhibitions() -> list[Node]:
    """Return which alerts keep which others back."""
    told = {
        "source_matchers": ['severity="page"'],
        "target_matchers": ['severity="ticket"'],
        "equal": ["alertname", "cluster", "instance", "device", "part", "service"],
    }
    return [told, *(_inhibition(*consequence) for consequence in CONSEQUENCES)]


def _inhibition(cause: Node, kept_back: Node, equal: tuple[str, ...]) -> Node:
    return {
        "source_matchers": [f'{label}="{value}"' for label, value in cause.items()],
        "target_matchers": [f'{label}=~"{value}"' for label, value in kept_back.items()],
        **({"equal": list(equal)} if equal else {}),
    }
