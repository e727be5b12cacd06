"""What the engine's machine must offer before anything is changed: memory, disk and the two ports."""

import hashlib
import os
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from deployment.errors import DeployError

MEMORY_NEEDED_MIB = 2048
DISK_NEEDED_MIB = 6144
MIB = 1024 * 1024


@dataclass(frozen=True)
class Host:
    """What was observed of a machine; `listeners` maps a TCP port to who listens there.

    Of another machine than this one only the memory is known.
    """

    memory_mib: int
    disk_mib: int | None = None
    listeners: Mapping[int, str] = field(default_factory=dict)


def observe(data_root: str = "/var") -> Host:
    """Look at this machine's total memory, the free disk where the engine keeps its data, and ports."""
    return Host(
        memory_mib=psutil.virtual_memory().total // MIB,
        disk_mib=shutil.disk_usage(seen(data_root)).free // MIB,
        listeners=_listeners(),
    )


def seen(path: str) -> str:
    """Return a folder, or the nearest above it that this user may look at."""
    return next(str(each) for each in (Path(path), *Path(path).parents) if os.access(each, os.F_OK))


def machine() -> str:
    """Return what tells this machine, since it was started, from all others: names alone are not unique."""
    files = (Path("/etc/machine-id"), Path("/proc/sys/kernel/random/boot_id"))
    parts = [socket.gethostname(), *(file.read_text().strip() for file in files if file.exists())]
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]


def of_engine(info: Mapping[str, Any]) -> Host:
    """Return what an engine on another machine says of that."""
    return Host(memory_mib=int(info["MemTotal"]) // MIB)


def check(host: Host, ports: Mapping[str, int], *, fresh: bool) -> None:
    """Raise DeployError if the machine is too small or one of `ports`, by variable, is taken.

    `fresh` says that the images are not there yet, so that the disk must have room for them.
    """
    if host.memory_mib < MEMORY_NEEDED_MIB:
        raise DeployError(
            f"Too little memory: {host.memory_mib} MiB, the stack needs {MEMORY_NEEDED_MIB} MiB.",
            "Use a larger machine, or stop what else runs on it.",
        )
    if fresh and host.disk_mib is not None and host.disk_mib < DISK_NEEDED_MIB:
        raise DeployError(
            f"Too little disk: {host.disk_mib} MiB free, building needs {DISK_NEEDED_MIB} MiB.",
            "Free some space (`docker system df` shows what the engine holds).",
        )
    for variable, port in ports.items():
        if port in host.listeners:
            raise DeployError(
                f"Port {port} is taken by {host.listeners[port]}.",
                f"Stop it, or choose another port: {variable}={_free(port, host)} python3 deploy.py up",
            )


def _free(port: int, host: Host) -> int:
    """Return an unprivileged port nobody listens on, one that reminds of the usual one."""
    return next(p for p in range(8000 + port % 1000, 65536) if p not in host.listeners)


def _listeners() -> dict[int, str]:
    sockets = psutil.net_connections(kind="tcp")
    return {
        socket.laddr.port: _name(socket.pid)
        for socket in sockets
        if socket.status == psutil.CONN_LISTEN and socket.laddr
    }


def _name(pid: int | None) -> str:
    if pid is None:
        return "a process of another user"
    try:
        return f"{psutil.Process(pid).name()} (process {pid})"
    except psutil.NoSuchProcess:
        return f"process {pid}"
