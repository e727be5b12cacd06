"""What the doctor says of broken machines, and of healthy ones: each judgement has its table."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker.errors import APIError
from requests.exceptions import ReadTimeout
from typer.testing import CliRunner

from deployment.cli import doctor as cli_doctor
from deployment.configuration.layout import SLOT_LABELS
from deployment.configuration.settings import Settings
from deployment.engine.doctor import append_only as checking
from deployment.engine.doctor import asking, mesh, mesh_probe, probe, surroundings, visit
from deployment.engine.doctor.asking import Heard
from deployment.engine.machine import host
from deployment.engine.swarm.membership import Membership
from deployment.operations.doctor import doctor
from deployment.plan.doctor import append_only, backups, finding, machine, network, pages, swarm
from deployment.plan.doctor.facts import Asked, Disk, Facts
from deployment.plan.doctor.finding import Finding, Severity
from deployment.plan.doctor.pages import Shown
from deployment.plan.release.history import Deployment
from deployment.plan.release.release import Release
from deployment.plan.swarm.networks import Network
from deployment.plan.swarm.nodes import Node
from deployment.progress import Progress
from kit.services import free_port

OK, INFO, UNKNOWN, WARNING, CRITICAL = Severity
GIB = 1 << 30
ROOM = Disk(100 * GIB, 50 * GIB)
HEALTHY = Facts(
    "6.12", 8 * GIB, ROOM, 1 << 20, userns=False, ip_vs=True, esp=True, routes="", mtu={"eth0": 1500}
)
NOW = datetime(2026, 11, 29, 15, tzinfo=UTC)
INFO_OF_ENGINE = {"ServerVersion": "28.5.2", "LiveRestoreEnabled": False, "Plugins": {"Network": ["overlay"]}}


def severities(found: list[Finding]) -> dict[str, Severity]:
    return {each.id: each.severity for each in found}


def bad(found: list[Finding]) -> dict[str, Severity]:
    return {name: severity for name, severity in severities(found).items() if severity is not OK}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {}),
        ({"ServerVersion": "20.10.24+dfsg1"}, {}),
        ({"ServerVersion": "19.03.15"}, {"engine": WARNING}),
        ({"ServerVersion": "dev"}, {"engine": UNKNOWN}),
        ({"LiveRestoreEnabled": True}, {"engine.live-restore": CRITICAL}),
        ({"Plugins": {"Network": ["bridge"]}}, {"engine.overlay": CRITICAL}),
    ],
)
def test_an_engine(change: Mapping[str, Any], expected: Mapping[str, Severity]) -> None:
    assert bad(machine.engine({**INFO_OF_ENGINE, **change})) == expected


@pytest.mark.parametrize(
    ("change", "encrypted", "expected"),
    [
        ({}, True, {}),
        ({"open_files": 1024}, False, {"files.n": WARNING}),
        ({"userns": True}, False, {"userns.n": WARNING}),
        ({"esp": False}, False, {"kernel.esp.n": INFO}),
        ({"esp": False}, True, {"kernel.esp.n": CRITICAL}),
        ({"esp": None}, False, {"kernel.esp.n": INFO}),
        ({"esp": None}, True, {"kernel.esp.n": UNKNOWN}),
        ({"ip_vs": False}, False, {"kernel.ip-vs.n": INFO}),
        ({"disk": Disk(100 * GIB, 9 * GIB)}, False, {"disk.n": WARNING}),
        ({"disk": Disk(4 * GIB, GIB)}, False, {"disk.n": WARNING}),
        ({"disk": Disk(100 * GIB, 2 * GIB)}, False, {"disk.n": CRITICAL}),
        ({"disk": Disk(GIB, 0)}, False, {"disk.n": CRITICAL}),
        ({"disk": replace(ROOM, files=1000, files_free=10)}, False, {"disk.n": WARNING}),
    ],
)
def test_a_node(change: Mapping[str, Any], encrypted: bool, expected: Mapping[str, Severity]) -> None:
    asked = Asked("n", replace(HEALTHY, **change))
    assert bad(machine.node(asked, encrypted=encrypted)) == expected


def test_a_node_that_does_not_answer_is_unknown() -> None:
    found = machine.node(Asked("n", problem="no answer in time"), encrypted=False)
    assert severities(found) == {"node.n": UNKNOWN}
    assert (
        machine.clocks([Asked("n")])
        == network.mtu([Asked("n")])
        == network.ports([Asked("n"), Asked("m")], {})
        == []
    )


@pytest.mark.parametrize(
    ("ahead", "lag", "severity", "said"),
    [
        (0.3, 1.0, OK, "agrees"),
        (-0.9, 1.0, OK, "agrees"),
        (-1.9, 1.0, OK, "agrees"),  # it may have been slow on its way
        (1.2, 1.0, WARNING, "1.2 s ahead"),
        (-3.5, 1.0, WARNING, "2.5 s behind"),
        (None, 1.0, UNKNOWN, "compare"),
    ],
)
def test_a_clock(ahead: float | None, lag: float, severity: Severity, said: str) -> None:
    [found] = machine.clocks([Asked("n", HEALTHY, ahead=ahead, lag=lag)])
    assert found.severity is severity
    assert said in found.what


@pytest.mark.parametrize(("limits", "severity"), [(0, OK), (7 * GIB, OK), (8 * GIB, OK), (9 * GIB, WARNING)])
def test_memory(limits: int, severity: Severity) -> None:
    assert machine.memory({"n": 4 * GIB, "m": 4 * GIB}, limits).severity is severity


ROUTES = """Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0 00000000 010011AC 0003 0 0 0 00000000 0 0 0
vpn0 0000000A 00000000 0001 0 0 0 000000FF 0 0 0
"""


@pytest.mark.parametrize(
    ("subnets", "severity"), [((), OK), (("172.28.0.0/24",), OK), (("172.28.0.0/24", "10.0.1.0/24"), WARNING)]
)
def test_networks_that_overlap_a_route(subnets: tuple[str, ...], severity: Severity) -> None:
    there = [Network(f"n{i}", IPv4Network(subnet)) for i, subnet in enumerate(subnets)]
    found = network.overlaps(Asked("node-2", replace(HEALTHY, routes=ROUTES)), there)
    assert found is not None
    assert found.severity is severity
    if severity is WARNING:
        assert "10.0.0.0/8, which node-2 reaches through vpn0" in found.what
        assert "NETWORK_SUBNETS=172.28.0.0/16" in found.command
    assert network.overlaps(Asked("n"), there) is None


@pytest.mark.parametrize(
    ("closed", "severity", "said"),
    [
        ((), OK, "reaches all others"),
        (("10.1.0.2:7946", "10.1.0.3:2377"), CRITICAL, "node-2 at 7946/tcp, node-3 at 2377/tcp"),
    ],
)
def test_ports_between_nodes(closed: tuple[str, ...], severity: Severity, said: str) -> None:
    names = {"10.1.0.1": "n", "10.1.0.2": "node-2", "10.1.0.3": "node-3"}
    [found, _] = network.ports([Asked("n", replace(HEALTHY, closed=closed)), Asked("m", HEALTHY)], names)
    assert found.severity is severity
    assert said in found.what
    assert network.ports([Asked("alone", HEALTHY), Asked("m", problem="down")], {"10.1.0.1": "alone"}) == []


TWO = [Node("1", "n1"), Node("2", "n2"), Node("3", "n3", state="down")]


@pytest.mark.parametrize(
    ("reached", "expected"),
    [
        ({"1": ["1", "2"], "2": ["1", "2"]}, {"n1": OK, "n2": OK}),
        ({"1": ["1"], "2": ["1", "2"]}, {"n1": CRITICAL, "n2": OK}),
        ({"1": ["1", "2"]}, {"n1": OK, "n2": UNKNOWN}),
    ],
)
def test_containers_on_two_nodes(reached: Mapping[str, list[str]], expected: Mapping[str, Severity]) -> None:
    found = network.mesh(TWO, reached)
    assert severities(found) == {f"network.mesh.{name}": severity for name, severity in expected.items()}
    assert severities(network.mesh(TWO, None, "no image")) == {"network.mesh": UNKNOWN}
    assert network.mesh(TWO[:1], None) == []


def test_a_large_message_comes_back_with_the_name_of_who_got_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two addresses of this machine's loopback stand for two containers."""
    monkeypatch.setattr(mesh_probe, "PORT", free_port())
    for name, address in (("n1", "127.0.0.1"), ("n2", "127.0.0.2")):
        threading.Thread(target=mesh_probe.serve, args=(name, address), daemon=True).start()
    monkeypatch.setattr(mesh_probe, "_addresses", lambda _: ["127.0.0.1", "127.0.0.2"])
    assert mesh_probe.reach("x", 2) == ["n1", "n2"]
    monkeypatch.setattr(mesh_probe, "SECONDS", 0.1)
    monkeypatch.setattr(mesh_probe, "_addresses", lambda _: ["127.0.0.2", "127.0.0.3"])
    assert mesh_probe.reach("x", 2) == ["n2"]
    told: dict[str, list[str]] = {}
    for line in ('n1 {"reached": ["n1", "n2"]}', "a warning", "", 'n2 {"time": 1}'):
        mesh.take(told, line)
    assert told == {"n1": ["n1", "n2"]}


@pytest.mark.parametrize(
    ("sizes", "severity"),
    [({"eth0": 1500, "docker0": 1400}, OK), ({"eth0": 9000}, OK), ({"eth0": 1500, "wg0": 1420}, INFO)],
)
def test_mtu(sizes: Mapping[str, int], severity: Severity) -> None:
    [found] = network.mtu([Asked("n", replace(HEALTHY, mtu=sizes))])
    assert found.severity is severity


MANAGER = Node("1", "n1", manager=True, labels=frozenset({"vote-app.edge"}))


@pytest.mark.parametrize(
    ("node", "severity"),
    [
        (MANAGER, OK),
        (replace(MANAGER, state="down"), WARNING),
        (replace(MANAGER, availability="drain"), WARNING),
        (replace(MANAGER, availability="pause"), WARNING),
        (Node("2", "old", state="down"), INFO),
    ],
)
def test_nodes(node: Node, severity: Severity) -> None:
    assert severities(swarm.nodes([node])) == {f"nodes.{node.name}": severity}


@pytest.mark.parametrize(
    ("node", "command"),
    [
        (replace(MANAGER, availability="drain"), "python3 deploy.py nodes activate n1"),
        (
            replace(MANAGER, state="down"),
            ": docker node demote 1; docker node rm --force 1; python3 deploy.py up",
        ),
        (Node("2", "old", state="down"), ": docker node rm --force 2; python3 deploy.py up"),
        (
            replace(MANAGER, state="down", labels=frozenset({SLOT_LABELS[1]})),
            ": python3 deploy.py nodes replace n1 NEW, see docs/nodes.md",
        ),
    ],
)
def test_how_a_node_is_brought_back_or_given_up(node: Node, command: str) -> None:
    [found] = swarm.nodes([node])
    assert found.command.endswith(command)


@pytest.mark.parametrize(
    ("managers", "away", "workers", "severity"),
    [
        (1, 0, 0, OK),
        (1, 0, 2, WARNING),
        (2, 0, 0, WARNING),
        (3, 0, 0, OK),
        (3, 1, 0, CRITICAL),
        (4, 0, 1, WARNING),
        (5, 1, 0, OK),
        (5, 2, 0, CRITICAL),
    ],
)
def test_managers(managers: int, away: int, workers: int, severity: Severity) -> None:
    there = [replace(MANAGER, state="down" if n < away else "ready") for n in range(managers)]
    assert swarm.managers([*there, *[Node("w", "w")] * workers]).severity is severity


@pytest.mark.parametrize(("days", "severity"), [(None, INFO), (1, OK), (90, OK), (91, WARNING)])
def test_the_last_up(days: int | None, severity: Severity) -> None:
    release = Release((), {}, {})
    at = (NOW - timedelta(days=days or 0)).isoformat()
    kept = [] if days is None else [Deployment(1, at, "", "", "up", release, {})]
    assert swarm.last_up(kept, NOW).severity is severity


@pytest.mark.parametrize(("unused", "severity"), [(None, UNKNOWN), (GIB, OK), (11 * GIB, INFO)])
def test_images(unused: int | None, severity: Severity) -> None:
    assert swarm.images(unused).severity is severity


@pytest.mark.parametrize(
    ("host", "there", "severity"),
    [
        ("vote.localhost", [], OK),
        ("vote.example.org", ["192.0.2.1"], OK),
        ("vote.example.org", ["192.0.2.9"], INFO),
        ("vote.example.org", [], WARNING),
        ("vote.example.org", None, UNKNOWN),
    ],
)
def test_names(host: str, there: list[str] | None, severity: Severity) -> None:
    assert severities(pages.names({host: there}, ["192.0.2.1"])) == {f"dns.{host}": severity}


SILENT, OTHER_NAME = Shown(None, problem="does not answer: timed out"), Shown(False, problem="another name")


def lasting(days: int) -> Shown:
    return Shown(True, (NOW + timedelta(days=days)).isoformat())


@pytest.mark.parametrize(
    ("shown", "severity"),
    [
        ([lasting(30), lasting(30)], OK),
        ([lasting(30), lasting(13)], WARNING),
        ([lasting(2), SILENT], CRITICAL),
        ([lasting(-1)], CRITICAL),
        ([lasting(30), SILENT], UNKNOWN),
        ([OTHER_NAME, lasting(30)], CRITICAL),
        ([SILENT, SILENT], UNKNOWN),
    ],
)
def test_certificates(shown: list[Shown], severity: Severity) -> None:
    found = pages.certificates({"n1": shown}, NOW)
    assert severities(found) == {"certificate.n1": severity}
    assert severity is not UNKNOWN or "does not answer" in found[0].what


@pytest.mark.parametrize(
    ("code", "printed", "severity"),
    [
        (0, f"Start checking Multi Part AOF\n{append_only.SOUND}\n", OK),
        (1, "AOF appendonly.aof.1.incr.aof is not valid. Use the --fix option to try fixing it.\n", CRITICAL),
        (1, "", CRITICAL),
        (0, "", CRITICAL),  # it said nothing, so it has checked nothing
        (None, "it does not run", UNKNOWN),
        (None, "cp: error writing: No space left on device\n", UNKNOWN),
        (1, "Cannot open file /copy/x.base.rdb: No such file or directory\n", CRITICAL),
    ],
)
def test_append_only_files(code: int | None, printed: str, severity: Severity) -> None:
    assert append_only.judge("redis-1", code, printed).severity is severity


@pytest.mark.parametrize(
    ("found", "code"),
    [([OK], 0), ([INFO, UNKNOWN], 0), ([OK, WARNING], 1), ([CRITICAL], 1), ([], 0)],
)
def test_the_exit_code(found: list[Severity], code: int) -> None:
    assert finding.exit_code([Finding("x", severity, "") for severity in found]) == code


def test_each_finding_that_is_not_ok_says_why() -> None:
    asked = Asked(
        "n", Facts("6", GIB, Disk(GIB, 0), 10, userns=True, ip_vs=False, esp=False, routes="", mtu={"e": 9})
    )
    found = [
        *machine.engine({}), *machine.node(asked, encrypted=True), *network.mtu([asked]), machine.NO_ENGINE,
        backups.NONE, swarm.NO_SWARM, swarm.images(None), *pages.names({"x.org": []}, []),
    ]  # fmt: skip
    assert [each for each in found if each.severity is not OK and not each.why] == []


def test_what_probes_say_is_heard_in_any_order_and_size() -> None:
    heard = {"n1": Heard(), "n2": Heard()}
    said = json.dumps(probe.facts("/", []))
    for node in heard:
        asking.take(f"{node} {said}", heard, 0.0)
    for n in range(probe.TIMES):
        asking.take(f'n1 {{"time": {100 - n}}}', heard, 100.5)
    asking.take("a warning of somebody's", heard, 0.0)
    asking.take("n3 {}", heard, 0.0)
    assert (heard["n1"].whole, heard["n2"].whole) == (True, False)
    first, second = heard["n1"].asked("one", "late"), heard["n2"].asked("two", "late")
    assert (first.ahead, second.ahead) == (-0.5, None)
    assert second.facts is not None
    assert Heard().asked("three", "late").problem == "late"


@pytest.mark.parametrize(("zone", "hours"), [("Z", 0), ("+09:00", 9), ("-09:00", -9)])
@pytest.mark.parametrize(("seconds", "old"), [(10, False), (299, False), (301, True)])
def test_what_a_killed_one_left_is_old(seconds: int, old: bool, zone: str, hours: int) -> None:
    """What is younger belongs to one that is at work; an engine dates networks in its own time zone."""
    there = NOW - timedelta(seconds=seconds) + timedelta(hours=hours)
    assert visit.is_old(f"{there:%Y-%m-%dT%H:%M:%S}.123456789{zone}", NOW) is old


def test_this_machine_says_what_it_is() -> None:
    facts = asking.here("me", "/", None).facts
    assert facts is not None
    assert facts.memory > GIB // 4
    assert facts.disk.size > facts.disk.free > 0
    assert "lo" in facts.mtu


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ({}, None),
        ({"SecurityOptions": ["name=seccomp,profile=builtin", "name=userns"]}, WARNING),
        ({"SecurityOptions": ["name=cgroupns"]}, OK),
        ({"SecurityOptions": None}, OK),
    ],
)
def test_of_containers_the_engine_is_asked_and_not_this_process(
    info: Mapping[str, Any], expected: Severity | None
) -> None:
    """It has the users and the limits of whoever has called it."""
    found = doctor._of_machine(Settings(), info)
    of_containers = {each.id.partition(".")[0]: each.severity for each in found}
    assert of_containers.get("userns") is expected
    assert "files" not in of_containers


def test_a_machine_elsewhere_is_not_judged_by_this_one() -> None:
    (found,) = doctor._of_machine(Settings(), {"Name": "not this one", "DockerRootDir": "/none/docker"})
    assert (found.id, found.severity) == ("machine", Severity.UNKNOWN)


@pytest.mark.parametrize("path", ["/none/docker", "/none", "/"])
def test_a_folder_that_is_not_there_is_judged_by_what_it_would_be_in(path: str) -> None:
    assert host.seen(path) == "/"


def test_a_port_that_is_closed_is_named() -> None:
    assert probe.closed(["127.0.0.1:1"]) == ["127.0.0.1:1"]


@pytest.mark.parametrize(
    ("members", "asked"),
    [
        ([MANAGER], []),
        (
            [
                replace(MANAGER, address="a"),
                Node("2", "n2", address="b"),
                Node("3", "n3", "down", address="c"),
            ],
            ["a:2377", "a:7946", "b:7946"],
        ),
    ],
)
def test_which_ports_are_asked(members: list[Node], asked: list[str]) -> None:
    assert asking.addresses(members) == asked


def test_without_an_engine_the_machine_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployment.engine.machine.engine.connect", lambda: None)
    found = doctor.examine(Settings(), Progress(quiet=True))
    assert found[0] == machine.NO_ENGINE
    assert any(each.id.startswith("disk.") for each in found)


@pytest.mark.parametrize(
    ("loaded", "built_in", "loadable", "there"),
    [
        ("xfrm_user 1 0\nesp4 28672 2 - Live", "", "", True),
        ("", "kernel/net/ipv4/esp4.ko\n", "kernel/x.ko:", True),
        ("", "kernel/x.ko", "kernel/net/ipv4/esp4.ko.xz: kernel/net/xfrm/xfrm_algo.ko", True),
        ("xfrm_user 1 0", "kernel/x.ko", "kernel/y.ko:", False),
        ("xfrm_user 1 0", "", "", None),  # in a container
        ("", "", "", None),
    ],
)
def test_whether_a_kernel_has_esp(loaded: str, built_in: str, loadable: str, there: bool | None) -> None:
    assert probe.has_esp(loaded, built_in, loadable) is there


NO_LEADER_SAID = "rpc error: code = Unknown desc = The swarm does not have a leader."


@pytest.mark.parametrize(
    ("error", "severity"),
    [(APIError("500", explanation=NO_LEADER_SAID), CRITICAL), (ReadTimeout("Read timed out"), UNKNOWN)],
)
def test_a_swarm_that_does_not_answer_hides_not_this_machine(
    error: Exception, severity: Severity, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise error

    client = SimpleNamespace(info=lambda: INFO_OF_ENGINE)
    monkeypatch.setattr("deployment.engine.machine.engine.connect", lambda: client)
    monkeypatch.setattr("deployment.engine.swarm.membership.membership", lambda _: Membership.MANAGER)
    monkeypatch.setattr(surroundings, "unused_images", lambda _: 0)
    monkeypatch.setattr("deployment.engine.swarm.nodes.observe", silent)
    found = severities(doctor.examine(Settings(), Progress(quiet=True)))
    assert found["swarm"] is severity
    assert any(name.startswith("disk.") for name in found)
    client.info = silent
    found = severities(doctor.examine(Settings(), Progress(quiet=True)))
    assert found["engine"] is UNKNOWN
    assert any(name.startswith("disk.") for name in found)


def test_a_silent_probe_hides_no_other_part(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise ReadTimeout("Read timed out")

    for module, name in ((asking, "probe_nodes"), (mesh, "probe_mesh"), (checking, "check")):
        monkeypatch.setattr(module, name, silent)
    two = [MANAGER, Node("2", "n2")]
    found = severities(
        doctor._of_nodes_and_stack(cast(Any, "an engine"), Settings(), Progress(quiet=True), two, ())
    )
    assert {found[name] for name in ("nodes", "network.mesh", "append-only")} == {UNKNOWN}
    assert found["nodes.n1"] is OK


@pytest.mark.parametrize("encrypted", [True, False])
def test_the_mesh_is_tried_as_the_networks_of_the_stack_are(encrypted: bool) -> None:
    made: list[Mapping[str, Any]] = []

    def create_network(_: str, **said: Any) -> dict[str, str]:
        made.append(said)
        return {"Id": "1"}

    api = SimpleNamespace(create_network=create_network, remove_network=lambda _: None)
    with mesh._network(cast(Any, SimpleNamespace(api=api)), encrypted=encrypted):
        pass
    assert ("encrypted" in (made[0]["options"] or {})) is encrypted


def test_a_task_that_is_refused_says_why() -> None:
    tasks = [
        {"NodeID": "1", "Status": {"State": "running"}},
        {"NodeID": "2", "Status": {"State": "rejected", "Err": "No such image: vote-app/worker:x"}},
    ]
    client = SimpleNamespace(api=SimpleNamespace(tasks=lambda filters: tasks))
    assert visit.refusals(cast(Any, client), "s") == {"2": "No such image: vote-app/worker:x"}


def test_a_copy_of_append_only_files_takes_little_memory_and_one_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The machine may have all the data, and little memory left."""
    templates: list[Any] = []
    there: list[str] = []

    @contextmanager
    def noted(_: object, template: Any) -> Iterator[str]:
        assert not there, "one at a time"
        templates.append(template)
        there.append("it")
        yield "a service"
        there.clear()

    container = {
        "Image": "r",
        "Mounts": [{"Target": "/data", "Source": "v", "VolumeOptions": {"Labels": {"of": "vote-app"}}}],
    }
    specification = {"Spec": {"TaskTemplate": {"ContainerSpec": container}}, "ID": "1"}
    named = [
        {**specification, "Spec": {**specification["Spec"], "Name": f"vote-app_redis-{n}"}}  # type: ignore[dict-item]
        for n in (1, 2, 3)
    ]
    tasks = [{"NodeID": "n", "Status": {"State": "running"}}]
    monkeypatch.setattr("deployment.engine.swarm.services.specifications", lambda _: named)
    monkeypatch.setattr(visit, "visit", noted)
    monkeypatch.setattr(checking, "_wait", lambda *_: 0)
    monkeypatch.setattr(checking, "_said", lambda *_: append_only.SOUND)
    client = SimpleNamespace(api=SimpleNamespace(tasks=lambda filters: tasks))
    assert [code for code, _ in checking.check(cast(Any, client)).values()] == [0, 0, 0]
    for template in templates:
        copy = next(m for m in template["ContainerSpec"]["Mounts"] if m["Target"] == checking.COPY)
        assert copy["TmpfsOptions"]["SizeBytes"] <= 256 << 20
        assert template["Resources"]["Limits"]["MemoryBytes"] <= 320 << 20
        data = next(m for m in template["ContainerSpec"]["Mounts"] if m["Target"] == "/data")
        assert (data["ReadOnly"], data["VolumeOptions"]["Labels"]) == (True, {"of": "vote-app"})


@pytest.mark.parametrize(
    ("limit", "parts", "code"), [(256 << 10, 4, 0), (0, 4, checking.NOT_COPIED), (256 << 10, 1 << 40, 99)]
)
def test_files_that_are_too_large_for_the_memory_are_not_copied(
    limit: int, parts: int, code: int, tmp_path: Path
) -> None:
    """The script itself, with folders of this machine, and a program that says that it was run."""
    for name in ("data/appendonlydir", "copy", "bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "data/appendonlydir/appendonly.aof.manifest").write_text("x" * 5000)
    program = tmp_path / "bin/redis-check-aof"
    program.write_text('#!/bin/sh\nexec test -s "$1"\n')
    program.chmod(0o755)
    script = checking.CHECK.replace("/data", f"{tmp_path}/data").replace("/copy", f"{tmp_path}/copy")
    script = script.replace(f"-gt {256 << 10}", f"-gt {limit}").replace("size * 4", f"size * {parts}")
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", script], env={"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert bool(list((tmp_path / "copy").iterdir())) is (code == 0)
    assert ("too much for a copy" in done.stdout) is (code != 0)


def test_a_part_that_is_silent_hides_no_other() -> None:
    def silent() -> list[Finding]:
        raise OSError("connection refused")

    [found] = doctor._guarded("pages", silent)
    assert (found.id, found.severity) == ("pages", UNKNOWN)


def test_a_name_that_nobody_has() -> None:
    found = surroundings.resolve(["localhost", "nobody.invalid"])
    assert found["localhost"]
    assert not found["nobody.invalid"]


def test_the_command_prints_the_worst_and_counts_the_good(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding("a", WARNING, "It is bad.", "It hurts.", "mend it"), finding.ok("b", "fine")]
    monkeypatch.setattr(doctor, "examine", lambda *_: found)
    printed = CliRunner().invoke(cli_doctor.app, [])
    assert printed.exit_code == 1
    assert printed.stdout.splitlines() == [
        "WARNING  a: It is bad.", "    It hurts.", "    do: mend it", "1 of 2 looked at are well.",
    ]  # fmt: skip
    told = CliRunner().invoke(cli_doctor.app, ["--json"])
    assert [each["severity"] for each in json.loads(told.stdout)] == ["warning", "ok"]
