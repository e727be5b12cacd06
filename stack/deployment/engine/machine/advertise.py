"""The address at which other nodes reach this one: as it is given, or chosen and said."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

import docker
import psutil

from deployment.configuration.settings import INTERFACE
from deployment.engine.machine import engine
from deployment.errors import DeployError

# An address of the documentation range (RFC 5737): asking for the route to it sends nothing.
ELSEWHERE = ("192.0.2.1", 9)
ALONE = "127.0.0.1"
# Interfaces that Docker makes: no other machine is behind them.
OF_DOCKER = ("docker", "br-", "veth")
GIVE = "Give it: add --advertise-addr ADDRESS."


@dataclass(frozen=True)
class Addresses:
    """IPv4 addresses of a machine, by interface, and the one that it reaches the world from."""

    by_interface: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default: str | None = None

    @property
    def candidates(self) -> list[str]:
        """Every address, the usual one first."""
        found = [a for addresses in self.by_interface.values() for a in addresses]
        return sorted(
            {*found, *([self.default] if self.default else [])}, key=lambda a: (a != self.default, a)
        )


def choose(given: str, here: Addresses) -> str:
    """Return the address to advertise; raise DeployError where that would be a guess."""
    if INTERFACE.fullmatch(given):
        return _only(here.by_interface.get(given, ()), f"Interface {given}", here)
    if given or here.default:
        return given or str(here.default)
    return _only(here.candidates, "This machine", here) if here.candidates else ALONE


def _only(addresses: tuple[str, ...] | list[str], whose: str, here: Addresses) -> str:
    if len(addresses) == 1:
        return addresses[0]
    if not addresses:
        listed = ", ".join(f"{name} {' '.join(those)}" for name, those in here.by_interface.items())
        raise DeployError(f"{whose} has no IPv4 address.", f"Choose another: {listed or 'there is none'}.")
    raise DeployError(
        f"{whose} has several addresses and no default route: {', '.join(addresses)}. "
        "Which one other nodes reach it at cannot be known from here.",
        GIVE,
    )


def sentence(chosen: str, here: Addresses) -> str:
    """Say which address a new Swarm advertises, and what else there would be."""
    if chosen == ALONE:
        return f"This machine has no address: the Swarm will be of this node alone, at {ALONE}. {GIVE}"
    others = [address for address in here.candidates if address != chosen]
    rest = f" It has {', '.join(others)}, too; --advertise-addr chooses." if others else ""
    return f"Other nodes will reach this one at {chosen}.{rest}"


def kept(given: str, present: str) -> list[str]:
    """Say that a Swarm which exists keeps its address, where another one is given."""
    if not given or INTERFACE.fullmatch(given) or ip_address(given) == ip_address(present or ALONE):
        return []
    return [
        f"This node is in a Swarm already, at {present}: ADVERTISE_ADDR={given} has no effect. "
        "Only leaving the Swarm (`docker swarm leave`) and joining it again changes that."
    ]


def address(client: docker.DockerClient | None, given: str) -> str | None:
    """Return the address that a new Swarm advertises; None leaves it to an engine on another machine.

    Raises DeployError where it would be a guess.
    """
    if client and not engine.is_local(client):
        return given or None
    return choose(given, observe())


def said(client: docker.DockerClient | None, given: str) -> list[str]:
    """Say what a new Swarm will advertise, and what one that exists will not; raise like `address`."""
    member = client.info()["Swarm"] if client else {}
    if member.get("NodeID"):
        return kept(given, str(member.get("NodeAddr", "")))
    chosen = address(client, given)
    return [sentence(chosen, observe())] if chosen and (not client or engine.is_local(client)) else []


def observe() -> Addresses:
    """Look at this machine's interfaces, but for Docker's own, loopback and link-local addresses."""
    states = psutil.net_if_stats()
    found = {
        name: tuple(
            str(a.address) for a in addresses if a.family is socket.AF_INET and _reachable(str(a.address))
        )
        for name, addresses in psutil.net_if_addrs().items()
        if not name.startswith(OF_DOCKER) and name in states and states[name].isup
    }
    return Addresses({name: those for name, those in found.items() if those}, _of_default_route())


def _reachable(text: str) -> bool:
    parsed = ip_address(text)
    return not (parsed.is_loopback or parsed.is_link_local)


def _of_default_route() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(ELSEWHERE)
        except OSError:
            return None
        return str(probe.getsockname()[0])
