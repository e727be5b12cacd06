"""What the doctor says of the stack that is up here: nothing is wrong with it, until something is."""

import tarfile
from pathlib import Path

import pytest

from deployment.engine.doctor import append_only as checking
from deployment.engine.doctor.visit import LABEL
from deployment.plan.doctor import append_only
from deployment.plan.doctor.finding import Finding, Severity
from kit.local import LocalStack, running, verb
from kit.waiting import wait_until
from swarm import findings
from swarm.findings import ATTEMPTS, Found

# In the file that the server does not write to any more. At the end of the other one, its next words would
# stand in the place of this.
DAMAGE = "printf DAMAGED | dd of=$(ls /data/appendonlydir/*.base.rdb) conv=notrunc"


@pytest.fixture(scope="module")
def local() -> LocalStack:
    return running()


def examined(*options: str) -> tuple[int, Found]:
    """Run it, and return its exit code and its findings by id."""
    done = verb("doctor", "--json", *options)
    return done.returncode, findings.read(done.stdout)


def test_a_healthy_stack_has_no_warning_and_its_report_no_secret(local: LocalStack, tmp_path: Path) -> None:
    for n in range(ATTEMPTS):
        report = tmp_path / f"report-{n}.tar.gz"
        code, found = examined("--report", str(report))
        if findings.whole(found):
            break
    assert findings.of_stack(found) == {}
    assert code == any(each["severity"] in ("warning", "critical") for each in found.values())
    assert {"append-only.redis-1", "append-only.redis-2", "append-only.redis-3"} <= found.keys()
    assert local.client.api.services(filters={"label": LABEL}) == []
    with tarfile.open(report) as archive:
        whole = b"".join(file.read() for member in archive if (file := archive.extractfile(member)))
    assert b"postgres-1" in whole
    secrets = [line for service in ("vote", "worker", "result") for line in secrets_of(local, service)]
    assert secrets
    assert [secret for secret in secrets if secret in whole] == []


def secrets_of(local: LocalStack, service: str) -> list[bytes]:
    """Return the secrets that a service's container has."""
    told = local.client.api.exec_create(
        local.container(service),
        ["sh", "-c", "cat /run/secrets/*_password /run/secrets/*_key 2>/dev/null"],
        user="0",
    )
    answer: bytes = local.client.api.exec_start(told["Id"])
    return [line for line in answer.splitlines() if len(line) >= 16 and not line.startswith(b"-----")]


def checked(local: LocalStack) -> dict[str, Finding]:
    """Return what is found of the files of each server of the queue, once all of them could be looked at."""
    for _ in range(ATTEMPTS):
        found = {name: append_only.judge(name, *each) for name, each in checking.check(local.client).items()}
        if not any(each.severity is Severity.UNKNOWN for each in found.values()):
            break
    return found


def test_damaged_files_of_a_replica_are_found_and_mended_by_the_stack(local: LocalStack) -> None:
    replica = local.status()["redis"]["replicas"][0]
    container = local.container(replica)
    told = local.client.api.exec_create(container, ["sh", "-c", DAMAGE])
    local.client.api.exec_start(told["Id"])
    assert local.client.api.exec_inspect(told["Id"])["ExitCode"] == 0
    try:
        judged = checked(local)
        assert [n for n, each in judged.items() if each.severity is Severity.CRITICAL] == [replica], judged
    finally:
        local.client.api.kill(container)
    # The gate sets the files aside, and copies from the primary.
    wait_until(lambda: replica in local.status()["redis"]["replicas"], 60)
    local.wait_healthy()
