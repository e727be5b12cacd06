"""Says what a node is like, from a container in its host's network: `python probe.py [ADDRESS:PORT ...]`.

Needs the standard library alone: its text is sent to each node, and this machine runs it as it is. Prints
one JSON object with the facts, among them which of the addresses take no connection; then the time, some
times over. It begins each line with what NODE in the environment says.
"""

import json
import os
import resource
import socket
import sys
import time
from pathlib import Path

CONNECT_SECONDS = 2.0
TIMES, BETWEEN_SECONDS = 4, 0.3
WHOLE = "4294967295"


def disk(path: str) -> dict[str, int]:
    """Return the size and the free room of the file system below a path; a container's is the engine's."""
    found = os.statvfs(path)
    return {
        "size": found.f_blocks * found.f_frsize,
        "free": found.f_bavail * found.f_frsize,
        "files": found.f_files,
        "files_free": found.f_favail,
    }


def text_of(path: str) -> str:
    """Return a file of the kernel; the empty string where there is none."""
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def memory() -> int:
    """Return the machine's memory in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def mtu() -> dict[str, int]:
    """Return the largest packet of each interface."""
    folder = Path("/sys/class/net")
    names = sorted(each.name for each in folder.iterdir()) if folder.exists() else []
    found = {name: text_of(f"/sys/class/net/{name}/mtu").strip() for name in names}
    return {name: int(size) for name, size in found.items() if size.isdigit()}


def has_esp(loaded: str, built_in: str, loadable: str) -> bool | None:
    """Say whether the kernel has IPsec's ESP, by its lists of modules; None where they do not say.

    Containers do not see the lists on the disk: there it is only known if it is loaded.
    """
    if "esp4 " in loaded or "/esp4.ko" in built_in or "/esp4.ko" in loadable:
        return True
    return False if built_in and loadable else None


def closed(addresses: list[str]) -> list[str]:
    """Return the addresses that take no connection within some seconds."""
    return [address for address in addresses if not _opens(address)]


def _opens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def facts(path: str, addresses: list[str]) -> dict[str, object]:
    """Return everything; `path` is on the disk that is meant."""
    kernel = os.uname().release
    modules = (f"/lib/modules/{kernel}/modules.builtin", f"/lib/modules/{kernel}/modules.dep")
    return {
        "kernel": kernel,
        "memory": memory(),
        "disk": disk(path),
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "userns": WHOLE not in text_of("/proc/self/uid_map"),
        "ip_vs": bool(text_of("/proc/net/ip_vs")),
        "esp": has_esp(text_of("/proc/modules"), *map(text_of, modules)),
        "routes": text_of("/proc/net/route"),
        "mtu": mtu(),
        "closed": closed(addresses),
    }


def main() -> None:
    """Say it."""
    node = os.environ.get("NODE", "")
    print(node, json.dumps(facts("/", sys.argv[1:])), flush=True)
    for _ in range(TIMES):
        print(node, json.dumps({"time": time.time()}), flush=True)
        time.sleep(BETWEEN_SECONDS)


if __name__ == "__main__":
    main()
