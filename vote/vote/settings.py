"""The service's settings, read from the environment and checked before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from vote.address import Network, parse_networks
from vote.admission import Limit
from vote.environment import (
    Environment,
    SettingError,
    parsed,
    refuse,
    required,
    secret,
    secrets,
    whole_number,
)
from vote.exporter import metrics_port
from vote.options import read_line, read_options
from vote.primary import REPLICAS_TO_CONFIRM
from vote.redis_tls import redis_authority

MOST = 10**9


@dataclass(frozen=True)
class Settings:
    """Everything that can be configured; a secret X comes from the file named by X_FILE.

    Of keys the first signs, and what any of them has signed is good. Without one of test votes none is taken.
    """

    redis_host: str
    redis_port: int
    redis_username: str
    redis_password: str = field(repr=False)
    redis_authority: str | None
    queue_confirmations: int
    cookie_keys: tuple[str, ...] = field(repr=False)
    probe_keys: tuple[str, ...] = field(repr=False)
    title: str
    question: str
    options: Mapping[str, str]
    new_voters_per_second: int
    new_voters_burst: int
    vote_replicas: int
    trusted_proxies: tuple[Network, ...]
    port: int
    metrics_port: int
    drain_seconds: int

    @property
    def new_voters(self) -> Limit | None:
        """What of all new voters of one address this replica lets in; None without a limit."""
        if not self.new_voters_per_second:
            return None
        replicas = max(1, self.vote_replicas)
        return Limit(self.new_voters_per_second / replicas, max(1, self.new_voters_burst / replicas))


def read(environment: Environment) -> Settings:
    """Return the settings; raise SettingError on the first bad one."""
    return Settings(
        redis_host=required(environment, "REDIS_HOST", "redis-proxy"),
        redis_port=whole_number(environment, "REDIS_PORT", 1, 65535, 6379),
        redis_username=required(environment, "REDIS_USERNAME", "ballot"),
        redis_password=secret(environment, "REDIS_PASSWORD_FILE"),
        redis_authority=redis_authority(environment),
        queue_confirmations=whole_number(environment, "QUEUE_CONFIRMATIONS", 0, 1, REPLICAS_TO_CONFIRM),
        cookie_keys=secrets(environment, "COOKIE_KEY_FILE"),
        probe_keys=secrets(environment, "PROBE_KEY_FILE") if environment.get("PROBE_KEY_FILE") else (),
        title=read_line(environment, "TITLE"),
        question=read_line(environment, "QUESTION"),
        options=read_options(environment),
        new_voters_per_second=whole_number(environment, "NEW_VOTERS_PER_SECOND", 0, MOST, 50),
        new_voters_burst=whole_number(environment, "NEW_VOTERS_BURST", 1, MOST, 5000),
        vote_replicas=whole_number(environment, "VOTE_REPLICAS", 0, MOST, 1),
        trusted_proxies=parsed(environment, "TRUSTED_PROXIES", parse_networks),
        port=whole_number(environment, "PORT", 1, 65535, 8080),
        metrics_port=metrics_port(environment),
        drain_seconds=whole_number(environment, "DRAIN_SECONDS", 0, 60, 5),
    )


def load() -> Settings:
    """Return the settings of this process, or end it with code 2 and one line on standard error."""
    try:
        return read(os.environ)
    except SettingError as error:
        refuse(error)
