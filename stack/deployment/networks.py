"""The stack's networks: which addresses they take, and what of one that exists cannot be changed."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path
from typing import Any

import docker
import yaml

from deployment import engine
from deployment.errors import DeployError
from deployment.layout import ENCRYPTION_FILE, NAMESPACE, NAMESPACE_LABEL, STACK, STACK_FILE, SUBNETS_FILE
from deployment.settings import Settings

ROUTES = Path("/proc/net/route")
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
    settings: Settings, there: Sequence[Network], taken: Sequence[IPv4Network], pool: Mapping[str, Any]
) -> list[Network]:
    """Return the networks of the stack file as Swarm would have them.

    Without NETWORK_SUBNETS what is `there` stays, and Docker chooses for the others: as far as can be known
    the first subnets of its `pool` that are not `taken`.
    """
    kept = {network.name: network.subnet for network in there}
    variables = carve(settings.network_subnets) if settings.network_subnets else {}
    chosen = [SUBNETS_FILE] if variables else []
    described = merged([STACK_FILE, *chosen, *([ENCRYPTION_FILE] if settings.network_encryption else [])])
    next_free = _free(pool, taken)
    return [
        Network(
            name,
            _subnet(network, variables) if variables else kept.get(name) or next(next_free, None),
            bool(network.get("internal")),
            "encrypted" in network.get("driver_opts", {}),
        )
        for name, network in described.items()
    ]


def _subnet(network: Mapping[str, Any], variables: Mapping[str, str]) -> IPv4Network:
    return IPv4Network(variables[re.findall(r"\w+", network["ipam"]["config"][0]["subnet"])[0]])


def _free(pool: Mapping[str, Any], taken: Sequence[IPv4Network]) -> Iterator[IPv4Network]:
    for part in pool["DefaultAddrPool"]:
        for subnet in IPv4Network(part).subnets(new_prefix=pool["SubnetSize"]):
            if not any(subnet.overlaps(other) for other in taken):
                yield subnet


def merged(files: Sequence[Path]) -> dict[str, Any]:
    """Return the networks of several files of the stack, each with what any of them says of it.

    Docker's own merge would leave of a network only what the last file says.
    """
    whole: dict[str, Any] = {}
    for path in files:
        for name, network in yaml.safe_load(path.read_text()).get("networks", {}).items():
            whole[name] = whole.get(name, {}) | network
    return whole


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


def check(client: docker.DockerClient | None, settings: Settings) -> None:
    """Raise DeployError, before anything is changed, if the networks could not be made as wanted."""
    of_swarm = _of_swarm(client) if client else []
    taken = [n.subnet for n in map(from_api, of_swarm) if n.subnet] or [DOCKER_MESH]
    pool = (client.info()["Swarm"].get("Cluster") or {}) if client else {}
    there = [from_api(network) for network in of_swarm if _ours(network)]
    wanted = intended(settings, there, taken, {k: pool.get(k) or value for k, value in DOCKER_POOL.items()})
    require_sound(wanted, there, _known(client))


def warnings(client: docker.DockerClient) -> list[str]:
    """Return the weaknesses of the networks that the stack has."""
    there = [from_api(network) for network in client.api.networks(filters={"label": NAMESPACE})]
    return weaknesses(_of_stack_file(), there, _known(client))


@cache
def _of_stack_file() -> tuple[Network, ...]:
    """Return what the stack file itself says; `status` asks every second while `up` waits."""
    described = merged([STACK_FILE])
    return tuple(Network(name, None, bool(network.get("internal"))) for name, network in described.items())


def _of_swarm(client: docker.DockerClient) -> list[dict[str, Any]]:
    managed = client.info()["Swarm"]["ControlAvailable"]
    return list(client.api.networks(filters={"scope": "swarm"})) if managed else []


def _ours(network: Mapping[str, Any]) -> bool:
    return (network.get("Labels") or {}).get(NAMESPACE_LABEL) == STACK


def _known(client: docker.DockerClient | None) -> list[Route]:
    """Return this machine's routes; none if the engine is on another one."""
    if (client and not engine.is_local(client)) or not ROUTES.exists():
        return []
    return routes(ROUTES.read_text())
