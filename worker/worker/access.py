"""How the queue and the database are reached, by the worker and by the observer."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import psycopg
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.addresses import addresses_of
from worker.environment import Environment, required, secret, secrets, whole_number
from worker.login import login
from worker.redis_tls import redis_authority

QUEUE_SECONDS = 3.0
QUEUE_CONNECT_SECONDS = 1.0
DATABASE_CONNECT_SECONDS = 3


@dataclass(frozen=True)
class Access:
    """Where the queue and the database are, and the accounts to use there."""

    redis_host: str
    redis_port: int
    redis_username: str
    redis_password: str = field(repr=False)
    redis_authority: str | None
    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_passwords: tuple[str, ...] = field(repr=False)  # the first is tried first


def read_access(environment: Environment) -> Access:
    """Return what the environment says of both; raise SettingError on the first bad variable."""
    return Access(
        redis_host=required(environment, "REDIS_HOST", "redis-proxy"),
        redis_port=whole_number(environment, "REDIS_PORT", 1, 65535, 6379),
        redis_username=required(environment, "REDIS_USERNAME", "worker"),
        redis_password=secret(environment, "REDIS_PASSWORD_FILE"),
        redis_authority=redis_authority(environment),
        database_host=required(environment, "DATABASE_HOST", "pgpool"),
        database_port=whole_number(environment, "DATABASE_PORT", 1, 65535, 5432),
        database_name=required(environment, "DATABASE_NAME", "votes"),
        database_user=required(environment, "DATABASE_USER", "worker"),
        database_passwords=secrets(environment, "DATABASE_PASSWORD_FILE"),
    )


def connect_queue(access: Access, host: str, seconds: float = QUEUE_SECONDS) -> Redis:
    """Return a client of one Redis that waits so long for an answer, and never retries by itself."""
    return Redis(
        host=host,
        port=access.redis_port,
        username=access.redis_username,
        password=access.redis_password,
        ssl=access.redis_authority is not None,
        ssl_ca_certs=access.redis_authority,
        socket_timeout=seconds,
        socket_connect_timeout=QUEUE_CONNECT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
    )


def connect_database(access: Access) -> psycopg.Connection:
    """Open a connection, trying every address of the host for some seconds each."""
    addresses = addresses_of(access.database_host, access.database_port)
    connect = partial(
        psycopg.connect,
        host=",".join([access.database_host] * len(addresses)),
        hostaddr=",".join(addresses),
        port=access.database_port,
        dbname=access.database_name,
        user=access.database_user,
        application_name=access.database_user,
        connect_timeout=DATABASE_CONNECT_SECONDS,
        prepare_threshold=None,
        # A worker that hangs must not leave a transaction open, whose locks would hold up the others.
        autocommit=True,
    )
    return login(access.database_passwords, lambda password: connect(password=password))
