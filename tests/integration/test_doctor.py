"""Machines that are broken for real, in namespaces of their own, and what the doctor says of them."""

import json
import os
import shutil
import subprocess
import sys
from ipaddress import IPv4Network

import pytest

from deployment.engine.doctor import asking
from deployment.plan.doctor import machine, network
from deployment.plan.doctor.facts import Asked
from deployment.plan.doctor.finding import Finding, Severity
from deployment.plan.swarm.networks import Network
from kit.images import absent

THERE = [Network("data", IPv4Network("10.0.5.0/24"))]
PAIR = (
    "ip link set lo up; ip link add d0 mtu {mtu} type veth peer name veth1; ip addr add {address} dev d0; "
    "ip link set d0 up; ip link set veth1 up; mount -t sysfs sysfs /sys"
)
FULL = "mount -t tmpfs -o size=4m tmpfs /mnt; export DISK=/mnt; head -c 4000000 /dev/zero > /mnt/full"
HEALTHY = PAIR.format(mtu=1500, address="192.168.77.1/24")


def findings(setup: str, *, user: bool = False) -> dict[str, Finding]:
    """Make a machine with this setup, let it say what it is like, and judge that."""
    if os.geteuid() or not shutil.which("unshare") or not shutil.which("ip"):
        absent("broken machines need root, unshare and ip")
    script = f"{setup}; exec {sys.executable} -c '{ASK}' 127.0.0.1:7946"
    spaces = ["--net", "--mount", *(["--user", "--map-root-user"] if user else [])]
    done = subprocess.run(
        ["unshare", *spaces, "sh", "-ec", script], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": "stack"},
    )  # fmt: skip
    asked = Asked("n", asking.READER.validate_python(json.loads(done.stdout)), ahead=0.0)
    overlap = network.overlaps(asked, THERE)
    assert overlap
    judged = [
        *machine.node(asked, encrypted=False),
        overlap,
        *network.mtu([asked]),
        *network.ports([asked], {"127.0.0.1": "n", "192.168.77.2": "m"}),
    ]
    return {each.id: each for each in judged}


ASK = (
    "import json, os, sys; from deployment.engine.doctor import probe; "
    'print(json.dumps(probe.facts(os.environ.get("DISK", "/"), sys.argv[1:])))'
)


@pytest.mark.parametrize(
    ("setup", "named", "severity"),
    [
        (f"{HEALTHY}; {FULL}", "disk.n", Severity.CRITICAL),
        (f"{HEALTHY}; ulimit -n 1024", "files.n", Severity.WARNING),
        (PAIR.format(mtu=1400, address="192.168.77.1/24"), "mtu.n", Severity.INFO),
        (PAIR.format(mtu=1500, address="10.0.5.9/16"), "network.overlap.n", Severity.WARNING),
        (HEALTHY, "ports.n", Severity.CRITICAL),  # nobody listens there
    ],
    ids=["a full disk", "few files", "small packets", "a route of the stack's networks", "a closed port"],
)
def test_a_broken_machine(setup: str, named: str, severity: Severity) -> None:
    found = findings(setup)
    assert found[named].severity is severity
    assert found[named].why
    assert found[named].command
    others = {each.id for each in found.values() if each.severity in (Severity.WARNING, Severity.CRITICAL)}
    assert others - {named, "ports.n"} == set()


def test_a_machine_whose_containers_have_users_of_their_own() -> None:
    assert findings("true", user=True)["userns.n"].severity is Severity.WARNING
