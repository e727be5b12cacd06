"""What `up` deployed, kept in the Swarm itself: any manager can tell whether that is what runs."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import docker
from docker.models.resource import Model

from deployment.convergence import ServiceState, short_name
from deployment.layout import NAMESPACE, RECORD_LABEL, STACK
from deployment.pages import Site

# Lists whose order means nothing: Docker's own commands write them in other orders than the stack file has.
UNORDERED = ("Env", "Mounts", "Secrets", "Configs", "Networks", "Constraints", "Ports")
# How a service is updated is not what runs, and `--force` counts up without changing anything.
IGNORED = ("ForceUpdate", "UpdateConfig", "RollbackConfig")

Api = Mapping[str, Any]


@dataclass(frozen=True)
class Service:
    """One service as it was deployed; `replicas` is None where it runs on every node that fits."""

    replicas: int | None
    fingerprint: str


@dataclass(frozen=True)
class Record:
    """What was deployed: the release, every service, and what the pages are reached by."""

    release: str
    services: Mapping[str, Service]
    site: Site


def described(specification: Api) -> Service:
    """Read a service's specification, as the Docker API gives it."""
    replicated = specification["Mode"].get("Replicated")
    text = json.dumps(_plain(specification), sort_keys=True)
    return Service(
        replicas=int(replicated["Replicas"]) if replicated else None,
        fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


def _plain(value: Any, name: str = "") -> Any:
    """Return a specification without what may differ although the same runs."""
    if isinstance(value, Mapping):
        parts = {key: _plain(part, key) for key, part in value.items() if key not in IGNORED}
        return {key: part for key, part in parts.items() if part not in (None, "", [], {}, False)}
    if isinstance(value, list):
        parts_of_list = [_plain(part) for part in value]
        return sorted(parts_of_list, key=json.dumps) if name in UNORDERED else parts_of_list
    return value


def differences(recorded: Mapping[str, Service], running: Mapping[str, Service]) -> dict[str, str]:
    """Say of each service that is not what was deployed how it differs, by name."""
    lines = {n: _difference(n, recorded.get(n), running.get(n)) for n in sorted({*recorded, *running})}
    return {name: line for name, line in lines.items() if line}


def _difference(name: str, deployed: Service | None, running: Service | None) -> str:
    if running is None:
        return f"{name} was removed"
    if deployed is None:
        return f"{name} was added"
    if running.replicas != deployed.replicas:
        return f"{name} was scaled to {running.replicas} from {deployed.replicas}"
    return f"{name} was changed" if running.fingerprint != deployed.fingerprint else ""


def changes(client: docker.DockerClient, recorded: Record | None) -> dict[str, str]:
    """Say of each service how it differs from what was deployed; without a record nothing is known."""
    return differences(recorded.services, running(client)) if recorded else {}


def wanted(recorded: Mapping[str, Service], states: Sequence[ServiceState]) -> list[ServiceState]:
    """Return the services with the number of tasks that was deployed, those that are gone among them."""
    here = {state.name: state for state in states}
    for name, service in recorded.items():
        found = here.get(name, ServiceState(name, running=0, desired=1))
        here[name] = replace(found, desired=found.desired if service.replicas is None else service.replicas)
    return [here[name] for name in sorted(here)]


def running(client: docker.DockerClient) -> dict[str, Service]:
    """Return every service of the stack as it is now, by name."""
    found = client.api.services(filters={"label": NAMESPACE})
    return {short_name(service): described(service["Spec"]) for service in found}


def newest(client: docker.DockerClient) -> Record | None:
    """Return what was deployed last; None where `up` has never deployed."""
    return parse(base64.b64decode(found[-1].attrs["Spec"]["Data"])) if (found := _all(client)) else None


def write(client: docker.DockerClient, release: str, site: Site) -> None:
    """Keep what runs now as what was deployed, in place of what was kept before."""
    former = _all(client)
    content = text(Record(release, running(client), site))
    name = f"{STACK}_deployed_{hashlib.sha256(content).hexdigest()[:12]}"
    client.configs.create(name=name, data=content, labels={RECORD_LABEL: "deployed"})
    remove(former)


def forget(client: docker.DockerClient) -> None:
    """Remove what was kept, with the stack itself."""
    remove(_all(client))


def remove(configs: Iterable[Model]) -> None:
    """Remove configs."""
    for config in configs:
        config.remove()


def text(record: Record) -> bytes:
    """Return what is kept; the time in it makes each name a new one, whatever ran before."""
    return json.dumps({"at": datetime.now(UTC).isoformat(), **asdict(record)}).encode()


def parse(kept: bytes) -> Record:
    """Read what `text` returned."""
    content = json.loads(kept)
    services = {name: Service(**parts) for name, parts in content["services"].items()}
    return Record(content["release"], services, Site(**content["site"]))


def _all(client: docker.DockerClient) -> list[Model]:
    found = client.configs.list(filters={"label": RECORD_LABEL})
    return sorted(found, key=lambda config: str(config.attrs["CreatedAt"]))
