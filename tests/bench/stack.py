"""The parts of the stack that a measurement needs, each started from nothing and waited for."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from http.cookiejar import DefaultCookiePolicy
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import requests

from bench import part
from bench.part import PORT, Part
from kit import postgres_cluster, redis_cluster
from kit.containers import DockerError, create_network, docker
from kit.postgres_cluster import PostgresCluster
from kit.redis_cluster import RedisCluster
from kit.waiting import wait_until

FLOOR = Path(__file__).parent / "floor"
OPTIONS = "Cats,Dogs,Birds"
COOKIE_KEY = "of the bench alone"
SERVICE_SECONDS = 30
COOKIES = 500
# The two clusters have an authority each.
DATABASE_AUTHORITY = "/etc/ssl/database_ca.pem"


@contextmanager
def queue() -> Iterator[RedisCluster]:
    """Run three Redis, three Sentinels and two proxies at full strength."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with redis_cluster.running_cluster(Path(folder), tls=False) as cluster:
            (cluster.secrets / "voter_cookie_key").write_text(COOKIE_KEY)
            yield cluster


@contextmanager
def database() -> Iterator[PostgresCluster]:
    """Run three PostgreSQL nodes, one standby synchronous, behind a pgpool."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with postgres_cluster.running_cluster(Path(folder)) as cluster:
            yield cluster


def vote(redis: RedisCluster) -> AbstractContextManager[Part]:
    """Run one replica of `vote`."""
    environment = {
        "REDIS_HOST": "redis-proxy",
        "REDIS_PASSWORD_FILE": "/run/secrets/redis_ballot_password",
        "COOKIE_KEY_FILE": "/run/secrets/voter_cookie_key",
        "NEW_VOTERS_PER_SECOND": "0",
    }
    return _page("vote", redis.prefix, redis.secrets, environment, *redis.trust())


@contextmanager
def floor(network: str) -> Iterator[Part]:
    """Run, as `vote` is run, a Flask view that parses the form of a vote and does nothing else."""
    command = ("gunicorn", "--worker-class", "gevent", "--bind", f"0.0.0.0:{PORT}", "--keep-alive", "120",
               "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "floor:create_app()")  # fmt: skip
    options = ("--volume", f"{FLOOR}:/floor:ro", "--workdir", "/floor")
    with part.running("vote", (network,), FLOOR, {}, *options, command=command) as replica:
        wait_until(lambda: _answers(replica, "/", status=405), SERVICE_SECONDS)
        yield replica


@contextmanager
def worker(redis: RedisCluster, postgres: PostgresCluster) -> Iterator[Part]:
    """Run one worker."""
    environment = {
        "REDIS_HOST": "redis-proxy",
        "REDIS_PASSWORD_FILE": "/run/secrets/redis_worker_password",
        "DATABASE_HOST": "pgpool",
        "DATABASE_PASSWORD_FILE": "/run/secrets/postgres_worker_password",
    }
    with _secrets(redis, postgres) as secrets:
        networks = (redis.prefix, postgres.prefix)
        authorities = (*redis.trust(), *postgres.inside.client(path=DATABASE_AUTHORITY))
        with part.running("worker", networks, secrets, environment, *authorities) as started:
            yield started


def result(postgres: PostgresCluster) -> AbstractContextManager[Part]:
    """Run one replica of `result`."""
    environment = {
        "DATABASE_HOST": "pgpool",
        "DATABASE_PASSWORD_FILE": "/run/secrets/postgres_result_password",
    }
    return _page("result", postgres.prefix, postgres.secrets, environment, *postgres.inside.client())


@contextmanager
def _page(
    component: str, network: str, secrets: Path, environment: Mapping[str, str], *options: str
) -> Iterator[Part]:
    settings = {**environment, "VOTE_OPTIONS": OPTIONS}
    with part.running(component, (network,), secrets, settings, *options) as replica:
        wait_until(lambda: _answers(replica, "/readyz"), SERVICE_SECONDS)
        yield replica


@contextmanager
def _secrets(redis: RedisCluster, postgres: PostgresCluster) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for source in (redis.secrets, postgres.secrets):
            shutil.copytree(source, folder, dirs_exist_ok=True)
        yield Path(folder)


@contextmanager
def network_with(**replicas: Part) -> Iterator[str]:
    """Make a network in which each replica has the name of its service."""
    name = f"bench-{uuid4().hex[:8]}"
    create_network(name)
    try:
        for service, replica in replicas.items():
            docker("network", "connect", "--alias", service, name, replica.container)
        yield name
    finally:
        for replica in replicas.values():
            with suppress(DockerError):  # it never got in
                docker("network", "disconnect", "--force", name, replica.container)
        docker("network", "rm", name)


def apply_schema(connection: Any) -> None:
    """Make the tables, as a worker does."""
    connection.execute((files("worker") / "schema.sql").read_bytes())


def cookies(replica: Part, count: int = COOKIES) -> list[str]:
    """Return the cookies of so many new voters."""
    url = f"http://{replica.address}:{PORT}/"
    with requests.Session() as session:
        # One that kept its cookies would be the same voter each time.
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        return [session.get(url, timeout=5).headers["Set-Cookie"].partition(";")[0] for _ in range(count)]


def _answers(replica: Part, path: str, *, status: int = 200) -> bool:
    try:
        return requests.get(f"http://{replica.address}:{PORT}{path}", timeout=2).status_code == status
    except requests.ConnectionError:
        return False
