"""The settings, read from the environment and checked before anything starts."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from certificates.authority.server import Server
from certificates.environment import (
    Environment,
    SettingError,
    parsed,
    refuse,
    required,
    secret,
    secrets,
    whole_number,
)
from certificates.outside.name_servers import parse_servers
from certificates.state.database import Access

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
LOCAL_LIFE_SECONDS = 90 * 86400


@dataclass(frozen=True)
class Settings:
    """Everything that can be configured; a secret X comes from the file named by X_FILE."""

    names: tuple[str, ...]
    acme: Server | None  # without one the local authority signs
    dns_servers: tuple[tuple[str, int], ...]
    dns_hook: str
    local_certificate: str
    local_key: str = field(repr=False)
    local_life: timedelta
    database: Access
    sealing_key: str = field(repr=False)
    provider_tokens: tuple[str, ...] = field(repr=False)  # each is good
    server_tls: str  # a file with the key and the certificate for Traefik's questions
    folder: Path


def read(environment: Environment) -> Settings:
    """Return the settings; raise SettingError on the first bad one."""
    return Settings(
        names=parsed(environment, "HOSTS", _names),
        acme=_server(environment),
        dns_servers=parsed(environment, "ACME_DNS", parse_servers),
        dns_hook=environment.get("ACME_DNS_HOOK", ""),
        local_certificate=_pem(environment, "LOCAL_CA_FILE", "/etc/certificates/local_ca.pem"),
        local_key=_pem(environment, "LOCAL_CA_KEY_FILE", "/run/secrets/local_ca_key"),
        local_life=timedelta(
            seconds=whole_number(environment, "LOCAL_LIFE_SECONDS", 10, 86400 * 800, LOCAL_LIFE_SECONDS)
        ),
        database=Access(
            host=required(environment, "DATABASE_HOST", "pgpool"),
            port=whole_number(environment, "DATABASE_PORT", 1, 65535, 5432),
            name=required(environment, "DATABASE_NAME", "votes"),
            user=required(environment, "DATABASE_USER", "certificates"),
            passwords=secrets(environment, "DATABASE_PASSWORD_FILE", "postgres_certificates_password"),
        ),
        sealing_key=secret(environment, "SEALING_KEY_FILE", "certificates_key"),
        provider_tokens=secrets(environment, "PROVIDER_TOKEN_FILE", "certificates_token"),
        server_tls=required(environment, "SERVER_TLS_FILE", "/run/secrets/server_tls"),
        folder=Path(required(environment, "STATE_FOLDER", "/data")),
    )


def load() -> Settings:
    """Return the settings of this process, or end it with code 2 and one line on standard error."""
    try:
        return read(os.environ)
    except SettingError as error:
        refuse(error)


def _server(environment: Environment) -> Server | None:
    email = environment.get("ACME_EMAIL", "").strip()
    if not email:
        return None
    identifier = environment.get("ACME_EAB_KID", "").strip()
    return Server(
        directory=parsed(environment, "ACME_SERVER", _directory),
        email=email,
        ca_file=_readable(environment, "ACME_CA_FILE"),
        profile=environment.get("ACME_PROFILE", "").strip(),
        key_identifier=identifier,
        hmac_key=secret(environment, "ACME_EAB_HMAC_KEY_FILE") if identifier else "",
    )


def _directory(text: str) -> str:
    url = text.strip() or LETS_ENCRYPT
    address = urlsplit(url)
    if address.scheme not in {"https", "http"} or not address.hostname:
        raise ValueError(f"{url!r} is not the URL of an ACME directory")
    return url


def _readable(environment: Environment, variable: str) -> str:
    """Return the path of a file that can be read, if there is one."""
    path = environment.get(variable, "").strip()
    try:
        if path:
            Path(path).read_bytes()
    except OSError as error:
        raise SettingError(f"{variable}: cannot read {path}: {error.strerror}") from error
    return path


def _names(text: str) -> tuple[str, ...]:
    """Return each name once, in order: so that one set of names is one certificate."""
    names = {name.strip().lower() for name in text.split(",") if name.strip()}
    if not names:
        raise ValueError("no host name")
    for name in names:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", name):
            raise ValueError(f"{name!r} is not a host name")
    return tuple(sorted(names))


def _pem(environment: Environment, variable: str, default: str) -> str:
    path = required(environment, variable, default)
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{variable}: cannot read {path}: {error}") from error
