"""The machine that something was measured on."""

import os
import platform

GIBIBYTE = 1024**3


def this_machine(engine: str) -> str:
    """Describe the machine that a lab with this version of Docker Engine runs on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIBIBYTE
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()).split(" (")[0]
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {system}, Docker Engine {engine}"
