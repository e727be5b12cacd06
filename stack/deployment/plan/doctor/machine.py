"""What the engine, the kernel and the machine of each node must have."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from deployment.plan.doctor.facts import Asked, Disk
from deployment.plan.doctor.finding import Finding, Severity, ok, unknown

GIB = 1 << 30
OLDEST_ENGINE = (20, 10)
LEAST_FILES = 4096
LEAST_FREE, LEAST_PART = 2 * GIB, 0.10
CRITICAL_FREE, CRITICAL_PART = GIB // 2, 0.03
CLOCK_SECONDS = 1.0
NO_ENGINE = Finding(
    "engine",
    Severity.CRITICAL,
    "No Docker Engine answers on this machine.",
    "The stack runs in containers.",
    "python3 deploy.py up --install-engine",
)


def engine(info: Mapping[str, Any]) -> list[Finding]:
    """Judge what an engine says of itself (`docker info`)."""
    version = str(info.get("ServerVersion", ""))
    return [_version(version), _live_restore(info), _overlay(info)]


def remapped(info: Mapping[str, Any]) -> bool:
    """Say whether an engine gives containers users of their own."""
    return any("name=userns" in option for option in info.get("SecurityOptions") or ())


def _version(version: str) -> Finding:
    found = re.match(r"(\d+)\.(\d+)", version)
    if not found:
        return unknown(
            "engine", f"The engine says that its version is {version or 'nothing'}.", "docker version"
        )
    if (int(found[1]), int(found[2])) < OLDEST_ENGINE:
        return Finding(
            "engine",
            Severity.WARNING,
            f"The Docker Engine is {version}.",
            "The stack is tested with Engine 20.10 and newer.",
            "apt-get install --only-upgrade docker.io docker-ce",
        )
    return ok("engine", f"Docker Engine {version} answers.")


def _live_restore(info: Mapping[str, Any]) -> Finding:
    if not info.get("LiveRestoreEnabled"):
        return ok("engine.live-restore", "The engine does not use live-restore.")
    return Finding(
        "engine.live-restore",
        Severity.CRITICAL,
        "The engine has live-restore on.",
        "An engine with live-restore cannot be in a Swarm.",
        'set "live-restore": false in /etc/docker/daemon.json, then: systemctl restart docker',
    )


def _overlay(info: Mapping[str, Any]) -> Finding:
    drivers = (info.get("Plugins") or {}).get("Network") or []
    if "overlay" in drivers:
        return ok("engine.overlay", "The engine has overlay networks.")
    return Finding(
        "engine.overlay",
        Severity.CRITICAL,
        "The engine has no overlay networks.",
        "The parts of the stack reach each other over overlay networks.",
        "docker info --format '{{.Plugins.Network}}'",
    )


def node(asked: Asked, *, encrypted: bool) -> list[Finding]:
    """Judge what one node says of itself; `encrypted` says whether the networks are to be."""
    facts, name = asked.facts, asked.node
    if facts is None:
        return [
            unknown(f"node.{name}", f"{name} could not be asked: {asked.problem}.", "docker node ls"),
        ]
    return [
        *([] if facts.open_files is None else [_files(name, facts.open_files)]),
        *([] if facts.userns is None else [_userns(name, remapped=facts.userns)]),
        _esp(name, there=facts.esp, wanted=encrypted),
        _ip_vs(name, there=facts.ip_vs),
        disk(name, facts.disk),
    ]


def _files(name: str, limit: int) -> Finding:
    if limit >= LEAST_FILES:
        return ok(f"files.{name}", f"A process on {name} may have {limit} files open.")
    return Finding(
        f"files.{name}",
        Severity.WARNING,
        f"A process in a container on {name} may have {limit} files open.",
        "Each visitor is one: beyond that they are turned away.",
        'set "default-ulimits" in /etc/docker/daemon.json there, then: systemctl restart docker',
    )


def _userns(name: str, *, remapped: bool) -> Finding:
    if not remapped:
        return ok(f"userns.{name}", f"Containers on {name} have the users of the host.")
    return Finding(
        f"userns.{name}",
        Severity.WARNING,
        f"The engine of {name} gives containers users of their own (userns-remap).",
        "Volumes that were made without it, or with it and used without, cannot be written.",
        "docker info --format '{{.SecurityOptions}}'",
    )


def _esp(name: str, *, there: bool | None, wanted: bool) -> Finding:
    if there:
        return ok(f"kernel.esp.{name}", f"The kernel of {name} can encrypt overlay networks.")
    unseen = f"A container on {name} does not see whether the kernel has ESP (IPsec)."
    if there is None and wanted:
        return unknown(f"kernel.esp.{name}", unseen, "modinfo esp4")
    return Finding(
        f"kernel.esp.{name}",
        Severity.CRITICAL if wanted else Severity.INFO,
        unseen if there is None else f"The kernel of {name} has no ESP (IPsec).",
        "NETWORK_ENCRYPTION needs it." if wanted else "Only NETWORK_ENCRYPTION, which is off, would need it.",
        "modprobe esp4",
    )


def _ip_vs(name: str, *, there: bool) -> Finding:
    if there:
        return ok(f"kernel.ip-vs.{name}", f"The kernel of {name} has IP_VS.")
    return Finding(
        f"kernel.ip-vs.{name}",
        Severity.INFO,
        f"The kernel of {name} shows no IP_VS.",
        "This stack does without it. Services with a virtual IP, and the routing mesh, need it.",
        "modprobe ip_vs",
    )


def disk(name: str, found: Disk) -> Finding:
    """Judge the disk of the engine: images, volumes and the Swarm's own log are on it."""
    part = found.free / found.size if found.size else 0.0
    few = found.files > 0 and found.files_free / found.files < LEAST_PART
    room = f"{found.free / GIB:.1f} of {found.size / GIB:.1f} GiB"
    said = f"{room} are free where the engine of {name} keeps its data"
    if found.free >= LEAST_FREE and part >= LEAST_PART and not few:
        return ok(f"disk.{name}", f"{said}.")
    full = found.free < CRITICAL_FREE or part < CRITICAL_PART
    return Finding(
        f"disk.{name}",
        Severity.CRITICAL if full else Severity.WARNING,
        f"{said}{'; few files more can be made' if few else ''}.",
        "The votes, the queue and the Swarm's own log are there: when it is full nothing can be written.",
        "docker system df",
    )


def memory(nodes: Mapping[str, int], limits: int) -> Finding:
    """Judge the memory of all nodes that take tasks, by name, against all limits together."""
    there = sum(nodes.values())
    said = f"All memory limits together are {limits / GIB:.1f} GiB, the nodes have {there / GIB:.1f} GiB"
    if not limits or limits <= there:
        return ok("memory", f"{said}." if limits else f"The nodes have {there / GIB:.1f} GiB of memory.")
    return Finding(
        "memory",
        Severity.WARNING,
        f"{said}.",
        "Under load the kernel may end a process although it is below its own limit.",
        "add memory or a node, or have fewer containers: python3 deploy.py scale --help",
    )


def clocks(all_asked: Sequence[Asked]) -> list[Finding]:
    """Judge by how much the clock of each node is off this machine's."""
    return [_clock(each) for each in all_asked if each.facts]


def _clock(asked: Asked) -> Finding:
    name = f"clock.{asked.node}"
    if asked.ahead is None:
        return unknown(name, f"Nobody could compare the clock of {asked.node}.")
    # What is slow on its way looks like a clock that is behind.
    behind, ahead = -asked.ahead - asked.lag, asked.ahead
    off = max(ahead, behind)
    if off <= CLOCK_SECONDS:
        return ok(name, f"The clock of {asked.node} agrees with this machine's.")
    return Finding(
        name,
        Severity.WARNING,
        f"The clock of {asked.node} is {off:.1f} s {'ahead' if ahead >= behind else 'behind'}.",
        "Of two votes of one voter the later one counts, by the clocks of the nodes that took them.",
        "timedatectl set-ntp true",
    )
