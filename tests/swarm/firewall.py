"""Packets that get lost: rules in chains of our own, so that healing removes exactly what cutting added."""

from collections.abc import Iterable

ARRIVING, LEAVING = "FAULTS-ARRIVING", "FAULTS-LEAVING"
# The mangle table sees what is forwarded as well: published ports lead through the node.
HOOKS = {"PREROUTING": ARRIVING, "POSTROUTING": LEAVING}


def cutting(addresses: Iterable[str], *, one_way: bool = False, share: float = 1.0, packets: str = "") -> str:
    """Return the rules that lose a share of packets from the addresses and, unless one-way, to them.

    Those that match `packets`, in the words of iptables, or all.
    """
    chance = "" if share >= 1 else f"-m statistic --mode random --probability {share:g}"
    dropped = " ".join(filter(None, (packets, chance, "-j DROP")))
    rules = [f":{chain} - [0:0]" for chain in HOOKS.values()]
    for address in addresses:
        rules.append(f"-A {ARRIVING} -s {address} {dropped}")
        if not one_way:
            rules.append(f"-A {LEAVING} -d {address} {dropped}")
    return _table(rules + [f"-I {hook} -j {chain}" for hook, chain in HOOKS.items()])


def healing() -> str:
    """Return the rules that remove those again; where there are none they fail as a whole, harmlessly."""
    hooks = [f"-D {hook} -j {chain}" for hook, chain in HOOKS.items()]
    chains = [f"-{step} {chain}" for step in "FX" for chain in HOOKS.values()]
    return _table(hooks + chains)


def command(rules: str) -> tuple[str, ...]:
    """Return the command that applies rules, all of them or none."""
    return ("sh", "-c", f"printf '%s' '{rules}' | iptables-restore --noflush --wait")


def _table(rules: list[str]) -> str:
    return "\n".join(["*mangle", *rules, "COMMIT", ""])
