"""A machine that cannot run the stack is refused before anything is changed."""

import pytest

from deployment.engine.machine import host
from deployment.engine.machine.host import Host
from deployment.errors import DeployError

ROOMY = Host(memory_mib=8192, disk_mib=50000, listeners={22: "sshd (process 1)"})


@pytest.mark.parametrize(
    ("machine", "fresh", "complaint"),
    [
        (Host(1024, 50000, {}), False, "Too little memory: 1024 MiB"),
        (Host(8192, 100, {}), True, "Too little disk: 100 MiB"),
        (Host(8192, 50000, {80: "nginx (process 7)"}), False, "Port 80 is taken by nginx (process 7)"),
        (Host(8192, 50000, {443: "nginx (process 7)"}), False, "Port 443 is taken"),
    ],
)
def test_refused(machine: Host, fresh: bool, complaint: str) -> None:
    with pytest.raises(DeployError) as refused:
        host.check(machine, {"HTTP_PORT": 80, "HTTPS_PORT": 443}, fresh=fresh)
    assert complaint in refused.value.what


def test_accepted() -> None:
    host.check(ROOMY, {"HTTP_PORT": 80, "HTTPS_PORT": 443}, fresh=True)


def test_a_full_disk_does_not_stop_a_redeployment() -> None:
    host.check(Host(8192, 100, {}), {}, fresh=False)


def test_the_remedy_names_the_right_variable() -> None:
    with pytest.raises(DeployError) as refused:
        host.check(Host(8192, 50000, {443: "x"}), {"HTTPS_PORT": 443}, fresh=False)
    assert "HTTPS_PORT=8443" in refused.value.remedy


def test_of_another_machine_only_the_memory_is_judged() -> None:
    host.check(host.of_engine({"MemTotal": 8 << 30}), {"HTTP_PORT": 80}, fresh=True)
    with pytest.raises(DeployError):
        host.check(host.of_engine({"MemTotal": 1 << 30}), {}, fresh=True)
