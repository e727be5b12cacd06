"""Passwords of the database are changed, node by node: whoever knows both gets in all the time."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from kit.containers import docker
from kit.postgres_cluster import NODES, PostgresCluster
from kit.waiting import wait_until
from worker.login import login

ROLES = ("worker", "repmgr", "pgpool", "observer", "result")
FILES = tuple(f"postgres_{role}_password" for role in ROLES)
WHOLE_SECONDS = 90
SERVED_SECONDS = 30
LOOK_SECONDS = 0.2


def mount(cluster: PostgresCluster, first: dict[str, str], other: dict[str, str]) -> None:
    """Let every container that starts from now on know two passwords of each account."""
    for name in FILES:
        (cluster.secrets / name).write_text(first[name])
        (cluster.secrets / f"{name}_other").write_text(other[name])


def restart(cluster: PostgresCluster) -> None:
    """Restart the nodes one at a time, the primary last, and then pgpool."""
    primary = cluster.primary_name()
    for node in sorted(NODES, key=lambda node: node == primary):
        cluster.stop(node)
        cluster.kill(node)
        cluster.run_node(node)
        wait_until(cluster.is_whole, WHOLE_SECONDS, cluster.describe)


def restart_pgpool(cluster: PostgresCluster) -> None:
    cluster.stop("pgpool")
    cluster.kill("pgpool")
    cluster.run_pgpool()


def enters(cluster: PostgresCluster, password: str, host: str = "pgpool", role: str = "worker") -> bool:
    """Whether somebody gets in with a password."""
    try:
        with psycopg.connect(
            host=host, hostaddr=cluster.address(host) or "", user=role, dbname="votes", password=password,
            sslmode="verify-full", sslrootcert=str(cluster.inside.authority), connect_timeout=2,
        ) as connection:  # fmt: skip
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def refusals(cluster: PostgresCluster, passwords: tuple[str, str]) -> Iterator[list[str]]:
    """Log in to the primary all the time as who knows both passwords; collect where neither is good."""
    ended, found = threading.Event(), list[str]()

    def look() -> None:
        while not ended.wait(LOOK_SECONDS):
            for host in NODES:
                try:
                    login(passwords, lambda password, host=host: connect(cluster, host, password)).close()  # type: ignore[misc]
                except psycopg.OperationalError as error:
                    if "authentication failed" in str(error):
                        found.append(str(error))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def connect(cluster: PostgresCluster, host: str, password: str) -> psycopg.Connection:
    return psycopg.connect(
        host=host, hostaddr=cluster.address(host) or "", user="worker", dbname="votes", password=password,
        sslmode="verify-full", sslrootcert=str(cluster.inside.authority), connect_timeout=2,
    )  # fmt: skip


def set_password(cluster: PostgresCluster, password: str) -> None:
    """Do what a primary does in the step "sent", when it takes over."""
    with cluster.connect("repmgr", cluster.primary_name(), "postgres") as connection:
        connection.execute(sql.SQL("ALTER ROLE worker PASSWORD {}").format(password))


@pytest.fixture
def changed(whole: PostgresCluster) -> Iterator[tuple[str, str]]:
    """Have a pgpool that knows two passwords of the worker; afterwards the primary takes the first again."""
    old, new = whole.password("worker"), secrets.token_hex(16)
    other = whole.secrets / "postgres_worker_password_other"
    other.write_text(new)
    restart_pgpool(whole)
    wait_until(lambda: enters(whole, old), SERVED_SECONDS)
    yield old, new
    other.unlink()
    set_password(whole, old)
    wait_until(lambda: enters(whole, old), SERVED_SECONDS)


def test_pgpool_takes_the_password_that_the_primary_takes(
    whole: PostgresCluster, changed: tuple[str, str]
) -> None:
    old, new = changed
    knows_both = (new, old)
    login(knows_both, lambda password: connect(whole, "pgpool", password)).close()
    assert not enters(whole, new)
    set_password(whole, new)
    wait_until(lambda: enters(whole, new), SERVED_SECONDS)
    login(knows_both, lambda password: connect(whole, "pgpool", password)).close()
    assert not enters(whole, old)
    assert not enters(whole, old, whole.primary_name())


def test_only_the_primary_says_that_the_accounts_have_its_passwords(whole: PostgresCluster) -> None:
    def says() -> list[str]:
        return [state["node"] for state in whole.states() if state["established"]]

    wait_until(lambda: says() == [whole.primary_name()], SERVED_SECONDS, whole.describe)


def test_a_database_with_passwords_of_another_time_gets_those_of_today(whole: PostgresCluster) -> None:
    """So it comes out of a backup, or out of a volume beside an old recovery kit."""
    roles = (*ROLES, "postgres", "certificates", "monitor")
    forget = " ".join(f"ALTER ROLE {role} PASSWORD '{secrets.token_hex(16)}';" for role in roles)
    psql = ("psql", "--host=/tmp/postgres-ha", "--username=postgres", "--dbname=votes", "--command")
    docker("exec", f"{whole.prefix}-{whole.primary_name()}", *psql, forget)
    assert not enters(whole, whole.password("worker"), whole.primary_name())
    for node in NODES:
        whole.kill(node)
    for node in NODES:
        whole.run_node(node)
    wait_until(whole.serves, WHOLE_SECONDS, whole.describe)
    for role in ("worker", "result", "observer", "certificates", "pgpool", "monitor"):
        assert enters(whole, whole.password(role), whole.primary_name(), role), role


@pytest.mark.parametrize("node", NODES)
def test_nobody_is_the_superuser_from_outside(whole: PostgresCluster, node: str) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba.conf entry"):
        whole.connect("postgres", node)


@pytest.mark.long
def test_passwords_change_and_whoever_knows_both_always_gets_in(whole: PostgresCluster) -> None:
    old = {name: (whole.secrets / name).read_text().strip() for name in FILES}
    new = {name: secrets.token_hex(16) for name in FILES}
    worker = "postgres_worker_password"
    mount(whole, old, new)
    restart_pgpool(whole)
    wait_until(lambda: enters(whole, old[worker]), SERVED_SECONDS)
    mount(whole, new, old)
    with refusals(whole, (new[worker], old[worker])) as neither:
        restart(whole)
        # pgpool, which knows both, finds out by itself which of them the new primary takes.
        wait_until(lambda: enters(whole, new[worker]), SERVED_SECONDS)
    assert neither == []
    assert not enters(whole, old[worker])
    for role in ROLES:
        name = f"postgres_{role}_password"
        if role != "repmgr":
            assert not enters(whole, old[name], whole.primary_name(), role), role
            assert enters(whole, new[name], whole.primary_name(), role), role
    wait_until(whole.serves, WHOLE_SECONDS, whole.describe)
    mount(whole, new, new)
    restart_pgpool(whole)
    wait_until(whole.serves, SERVED_SECONDS, whole.describe)
