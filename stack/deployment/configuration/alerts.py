"""Who is told of alerts: what a user sets, checked before anything is changed; a bad value is a ValueError.

What is refused of a file is not quoted: it is a secret.
"""

import re
from typing import Protocol
from urllib.parse import urlsplit

from deployment.configuration import secret_files

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)*")
SMARTHOST = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([1-9][0-9]{0,4})")
PLAIN_URL = re.compile(r"https?://[A-Za-z0-9._~:/%@+\[\]-]+(?<!/)")
ONE_LINE = re.compile(rb"[^\r\n]+\r?\n?")
LARGEST_PORT = 65535


class Receivers(Protocol):
    """What is set about mail."""

    alert_email_to: str
    alert_email_from: str
    alert_smarthost: str
    alert_smtp_username: str
    alert_smtp_password_file: str


def addresses(value: str) -> str:
    """Return e-mail addresses, comma-separated; there may be none."""
    listed = [part.strip() for part in value.split(",")] if value.strip() else []
    for part in listed:
        if not ADDRESS.fullmatch(part):
            raise ValueError(f"{part!r} is not an e-mail address")
    return ", ".join(listed)


def sender(value: str) -> str:
    """Return one e-mail address, which may be empty."""
    if value and not ADDRESS.fullmatch(value):
        raise ValueError(f"{value!r} is not an e-mail address")
    return value


def smarthost(value: str) -> str:
    """Return where a mail server listens, host:port, which may be empty."""
    found = SMARTHOST.fullmatch(value)
    if value and (not found or int(found[2]) > LARGEST_PORT):
        raise ValueError(f"{value!r} is not host:port such as mail.example.org:587")
    return value


def url(value: str) -> str:
    """Return the address of a listener, which may be empty.

    It stands in a file that every manager can read, so it must have no password in it.
    """
    if value and not is_url(value):
        raise ValueError("is not an address such as https://example.org/alerts")
    if "@" in urlsplit(value).netloc:
        raise ValueError("has a user or password in it: every manager could read that")
    if urlsplit(value).query:
        raise ValueError("has a ? in it: what follows is often a secret, and every manager could read that")
    return value


def repository(value: str) -> str:
    """Return the address below which docs/runbooks/ is found, which may be empty."""
    if value and not (is_url(value) and PLAIN_URL.fullmatch(value)):
        raise ValueError(
            f"{value!r} is not an address such as https://github.com/OWNER/NAME/blob/main: "
            "with no slash at its end, and nothing after a ? or #"
        )
    return value


def is_url(text: str) -> bool:
    """Whether a text is an address of HTTP, as Alertmanager takes it."""
    try:
        parts = urlsplit(text)
        complete = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(complete) and re.fullmatch(r"[!-~]+", text) is not None


def password(value: str) -> str:
    """Return the absolute path of a file, if it holds one line."""
    if value and not ONE_LINE.fullmatch(secret_files.content(value)):
        raise ValueError(f"{value} does not hold one line: the password, and nothing else")
    return secret_files.absolute(value)


def slack_url(value: str) -> str:
    """Return the absolute path of a file, if it holds the address that Slack gave."""
    if value and not is_url(secret_files.content(value).decode(errors="replace").strip()):
        raise ValueError(f"{value} does not hold the address of an incoming webhook, as Slack gives it")
    return secret_files.absolute(value)


def complain_of(given: Receivers) -> None:
    """Raise ValueError where something is set of what works only together."""
    mail = (given.alert_email_to, given.alert_email_from, given.alert_smarthost)
    account = (given.alert_smtp_username, given.alert_smtp_password_file)
    if any(mail) and not all(mail):
        raise ValueError("ALERT_EMAIL_TO, ALERT_EMAIL_FROM and ALERT_SMARTHOST belong together: give all")
    if any(account) and not all(account):
        raise ValueError("ALERT_SMTP_USERNAME and ALERT_SMTP_PASSWORD_FILE belong together: give both")
    if any(account) and not any(mail):
        raise ValueError("ALERT_SMTP_USERNAME is for mail: it needs an ALERT_EMAIL_TO")
