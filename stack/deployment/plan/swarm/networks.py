"""The stack's networks: which addresses they take, and what of one that exists cannot be changed."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice
from typing import Any

from deployment.configuration import backups
from deployment.configuration.documents import parsed
from deployment.configuration.layout import STACK
from deployment.errors import DeployError

# Docker's own choice for a Swarm that was given no pool; the first network of it is the routing mesh's.
DOCKER_POOL = {"DefaultAddrPool": ["10.0.0.0/8"], "SubnetSize": 24}
DOCKER_MESH = IPv4Network("10.0.0.0/24")
# As many networks as the stack may ever have, each with room for 250 containers.
MOST, PREFIX = 16, 24
SUGGESTIONS = ("10.77.0.0/16", "172.28.0.0/16", "192.168.224.0/20", "10.201.0.0/16")
ANEW = "`python3 deploy.py down`, then `up` makes them anew; the votes stay in their volumes."


@dataclass(frozen=True)
class Network:
    """A network of the stack, as it is or as it is to be."""

    name: str
    subnet: IPv4Network | None
    internal: bool = False
    encrypted: bool = False


@dataclass(frozen=True)
class Route:
    """Where this machine reaches an address: through which interface."""

    subnet: IPv4Network
    interface: str


def carve(pool: str) -> dict[str, str]:
    """Return the variables of the subnets' file: the pool's first subnets, by number."""
    subnets = islice(IPv4Network(pool).subnets(new_prefix=PREFIX), MOST)
    return {f"SUBNET_{number}": str(subnet) for number, subnet in enumerate(subnets, 1)}


def routes(table: str) -> list[Route]:
    """Read the kernel's table of IPv4 routes (/proc/net/route); without the default and loopback's."""
    found = []
    for line in table.splitlines()[1:]:
        interface, destination, _, _, _, _, _, mask, *_ = line.split()
        address, bits = _address(destination), int(mask, 16).bit_count()
        if bits and interface != "lo":
            found.append(Route(IPv4Network((address, bits)), interface))
    return found


def _address(little_endian: str) -> int:
    return int.from_bytes(int(little_endian, 16).to_bytes(4, "little"), "big")


def overlaps(networks: Iterable[Network], known: Sequence[Route]) -> list[str]:
    """Say which networks have addresses that this machine reaches elsewhere."""
    return [
        f"network {STACK}_{network.name} ({network.subnet}) overlaps {route.subnet}, "
        f"which this machine reaches through {route.interface}"
        for network in networks
        for route in known
        if network.subnet and network.subnet.overlaps(route.subnet)
    ]


def suggestion(known: Sequence[Route]) -> str:
    """Return a pool that nothing here overlaps; the first of all where everything is taken."""
    free = (pool for pool in SUGGESTIONS if not any(IPv4Network(pool).overlaps(r.subnet) for r in known))
    return next(free, "a pool such as 10.77.0.0/16 that nobody uses")


def require_sound(wanted: Sequence[Network], there: Sequence[Network], known: Sequence[Route]) -> None:
    """Raise DeployError if a network that exists would have to change, or a new one would be in the way."""
    existing = {network.name: network for network in there}
    for network in wanted:
        if before := existing.get(network.name):
            _require_unchanged(network, before)
    if found := overlaps([network for network in wanted if network.name not in existing], known):
        raise DeployError(
            f"{_sentence(found[0])} Nothing was deployed.",
            f"Give the networks others, in the shell or stack/.env: NETWORK_SUBNETS={suggestion(known)}",
        )


def require_outside(wanted: Sequence[Network], endpoint: str, known: Sequence[Route]) -> None:
    """Raise DeployError if a store of backups, at `host[:port]`, has an address of the stack's networks."""
    host = backups.address(endpoint)
    if host is None:
        return
    store = IPv4Network(host)
    for network in wanted:
        if network.subnet and store.subnet_of(network.subnet):
            raise DeployError(
                f"BACKUP_S3_ENDPOINT: {host} would be an address of network {STACK}_{network.name} "
                f"({network.subnet}), so the store would never be reached. Nothing was deployed.",
                f"Give the networks others: NETWORK_SUBNETS={suggestion([*known, Route(store, '')])} in the "
                f"shell or stack/.env. Where the stack runs already, take it down before: {ANEW}",
            )


def _require_unchanged(wanted: Network, before: Network) -> None:
    name = f"{STACK}_{wanted.name}"
    if wanted.subnet and wanted.subnet != before.subnet:
        raise DeployError(
            f"Network {name} has {before.subnet}, by NETWORK_SUBNETS it would have {wanted.subnet}: "
            "Docker cannot change a network that exists.",
            f"Take NETWORK_SUBNETS back, or take the stack down: {ANEW}",
        )
    if wanted.encrypted and not before.encrypted:
        raise DeployError(
            f"Network {name} is not encrypted, and Docker cannot change a network that exists.",
            f"Take NETWORK_ENCRYPTION back, or take the stack down: {ANEW}",
        )


def weaknesses(wanted: Sequence[Network], there: Sequence[Network], known: Sequence[Route]) -> list[str]:
    """Return what is wrong with the networks that exist, in sentences that a user can act on."""
    closed = {network.name for network in wanted if network.internal}
    opened = [f"{STACK}_{n.name}" for n in there if n.name in closed and not n.internal]
    return [
        *(
            f"{_sentence(one)} Set NETWORK_SUBNETS={suggestion(known)}; {ANEW}"
            for one in overlaps(there, known)
        ),
        *([f"{', '.join(opened)}: not internal, as an earlier version made it. {ANEW}"] if opened else []),
    ]


def _sentence(overlap: str) -> str:
    return f"{overlap[0].upper()}{overlap[1:]}: clients there get no answer."


def intended(
    described: Mapping[str, Any],
    subnets: Mapping[str, str],
    there: Sequence[Network],
    free: Iterator[IPv4Network],
) -> list[Network]:
    """Return the networks as Swarm would have them, of how the stack's files `described` them (see `merged`).

    With `subnets`, the variables of the subnets' file, these decide. Without them what is `there` stays, and
    Docker chooses for the others: as far as can be known the next one that is `free`.
    """
    kept = {network.name: network.subnet for network in there}
    return [
        Network(
            name,
            _subnet(network, subnets) if subnets else kept.get(name) or next(free, None),
            bool(network.get("internal")),
            "encrypted" in network.get("driver_opts", {}),
        )
        for name, network in described.items()
    ]


def _subnet(network: Mapping[str, Any], variables: Mapping[str, str]) -> IPv4Network:
    return IPv4Network(variables[re.findall(r"\w+", network["ipam"]["config"][0]["subnet"])[0]])


def unused(pool: Mapping[str, Any], taken: Sequence[IPv4Network]) -> Iterator[IPv4Network]:
    """Yield the subnets of an address pool of `docker info` that are not taken, in Docker's order."""
    for part in pool["DefaultAddrPool"]:
        for subnet in IPv4Network(part).subnets(new_prefix=pool["SubnetSize"]):
            if not any(subnet.overlaps(other) for other in taken):
                yield subnet


def merged(files: Iterable[str]) -> dict[str, Any]:
    """Return the networks of several files of the stack (YAML), each with what any of them says of it.

    Docker's own merge would leave of a network only what the last file says.
    """
    whole: dict[str, Any] = {}
    for text in files:
        for name, network in parsed(text).get("networks", {}).items():
            whole[name] = whole.get(name, {}) | network
    return whole


def joined(files: Sequence[str]) -> dict[str, Any]:
    """Return the networks of several files of the stack that a service joins: Docker makes no others."""
    services = [service for text in files for service in parsed(text).get("services", {}).values()]
    wanted = {name for service in services for name in service.get("networks", ())}
    return {name: network for name, network in merged(files).items() if name in wanted}


def from_api(network: Mapping[str, Any]) -> Network:
    """Read a network as the Docker API describes it."""
    configured = (network.get("IPAM") or {}).get("Config") or []
    subnets = [IPv4Network(c["Subnet"]) for c in configured if ":" not in c["Subnet"]]
    return Network(
        name=str(network["Name"]).removeprefix(f"{STACK}_"),
        subnet=subnets[0] if subnets else None,
        internal=bool(network.get("Internal")),
        encrypted="encrypted" in (network.get("Options") or {}),
    )
