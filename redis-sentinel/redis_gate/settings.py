"""What the environment says about this node, checked before anything else happens."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from redis_gate.acl import acl_file
from redis_gate.environment import Environment, SettingError, secrets, whole_number
from redis_gate.node_tls import Tls, read_tls

REDIS_ACCOUNTS = ("ballot", "vote", "worker", "observer", "monitor", "replica", "sentinel", "proxy")
SENTINEL_ACCOUNTS = ("sentinel", "proxy", "monitor")

NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
MEMORY = re.compile(r"[1-9][0-9]*(kb|mb|gb)")
MEGABYTES = {"kb": 1 / 1024, "mb": 1, "gb": 1024}
# Two thirds of it are the replication backlog, which counts as memory in use.
LEAST_MAXMEMORY = 96
PASSWORD = re.compile(r"[A-Za-z0-9._~+/=-]+")


@dataclass(frozen=True)
class Cluster:
    """The nodes of the queue, this one's name, the passwords of the accounts it deals with, and how all talk.

    Without `tls` they talk in clear. `others` are passwords that are good as well, while one is changed.
    """

    node: str
    redis_nodes: tuple[str, ...]
    sentinel_nodes: tuple[str, ...]
    passwords: Mapping[str, str] = field(repr=False)
    tls: Tls | None
    others: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def majority(self) -> int:
        """The number of Sentinels without which nothing is decided."""
        return len(self.sentinel_nodes) // 2 + 1

    def acl(self, rules: Mapping[str, str]) -> str:
        """Return the ACL file of a node with these rules."""
        return acl_file(rules, self.passwords, self.others)


@dataclass(frozen=True)
class RedisSettings:
    """What a Redis node needs to know."""

    cluster: Cluster
    maxmemory: str


@dataclass(frozen=True)
class SentinelSettings:
    """What a Sentinel needs to know."""

    cluster: Cluster
    quorum: int


def redis_settings(environment: Environment, memory_limit: int | None = None) -> RedisSettings:
    """Read the settings of a Redis node, whose container may use so many bytes.

    Raises SettingError on the first bad one.
    """
    cluster = _cluster(environment, REDIS_ACCOUNTS)
    _require_member("NODE_NAME", cluster.node, cluster.redis_nodes)
    maxmemory = _matching(environment, "MAXMEMORY", MEMORY, "a size such as 256mb")
    _require_room(maxmemory, memory_limit)
    return RedisSettings(cluster, maxmemory)


def _require_room(maxmemory: str, memory_limit: int | None) -> None:
    size = int(maxmemory[:-2]) * MEGABYTES[maxmemory[-2:]]
    if size < LEAST_MAXMEMORY:
        raise SettingError(
            f"MAXMEMORY: {maxmemory} is too small, {LEAST_MAXMEMORY}mb is the least that works"
        )
    needed = 2 * size + 256
    if memory_limit is not None and memory_limit < needed * 1024**2:
        raise SettingError(
            f"MAXMEMORY: {maxmemory} needs a container of {needed:.0f} MB (the queue, its copy while a file "
            f"is rewritten, and buffers) and this one may use {memory_limit // 1024**2}: "
            "raise REDIS_MEMORY_LIMIT or lower REDIS_MAXMEMORY"
        )


def sentinel_settings(environment: Environment) -> SentinelSettings:
    """Read the settings of a Sentinel; raise SettingError on the first bad one."""
    cluster = _cluster(environment, SENTINEL_ACCOUNTS)
    _require_member("NODE_NAME", cluster.node, cluster.sentinel_nodes)
    quorum = whole_number(environment, "QUORUM", cluster.majority, len(cluster.sentinel_nodes))
    return SentinelSettings(cluster, quorum)


def node_names(environment: Environment) -> tuple[str, ...]:
    """Return the names of every Redis and every Sentinel; raise SettingError on a bad one."""
    return (*_names(environment, "REDIS_NODES"), *_names(environment, "SENTINEL_NODES"))


def _cluster(environment: Environment, accounts: tuple[str, ...]) -> Cluster:
    passwords = {account: _passwords(environment, account) for account in accounts}
    return Cluster(
        node=_matching(environment, "NODE_NAME", NAME, "the name of this service"),
        redis_nodes=_names(environment, "REDIS_NODES"),
        sentinel_nodes=_names(environment, "SENTINEL_NODES"),
        passwords={account: first for account, (first, *_) in passwords.items()},
        tls=read_tls(environment),
        others={account: other for account, (_, *rest) in passwords.items() for other in rest},
    )


def _matching(environment: Environment, variable: str, pattern: re.Pattern[str], expected: str) -> str:
    value = environment.get(variable, "")
    if not pattern.fullmatch(value):
        raise SettingError(f"{variable}: expected {expected}")
    return value


def _names(environment: Environment, variable: str) -> tuple[str, ...]:
    names = tuple(environment.get(variable, "").split(","))
    if len(set(names)) < max(3, len(names)) or not all(map(NAME.fullmatch, names)):
        raise SettingError(f"{variable}: expected three or more different names with commas")
    return names


def _require_member(variable: str, node: str, nodes: tuple[str, ...]) -> None:
    if node not in nodes:
        raise SettingError(f"{variable}: {node} is none of {', '.join(nodes)}")


def _passwords(environment: Environment, account: str) -> tuple[str, ...]:
    """Return the password that this node sends as an account, and the other one that is good, if any."""
    variable = f"REDIS_{account.upper()}_PASSWORD_FILE"
    passwords = secrets(environment, variable, f"redis_{account}_password")
    if not all(map(PASSWORD.fullmatch, passwords)):
        file = environment.get(variable, "its file")
        raise SettingError(f"{variable}: {file} must hold letters, digits and ._~+/=- only")
    return passwords
