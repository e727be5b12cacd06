"""What runs, held against what was deployed: any change by somebody else is seen."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deployment.plan.cluster.convergence import ServiceState

# Lists whose order means nothing: Docker's own commands write them in other orders than the stack file has.
UNORDERED = ("Env", "Mounts", "Secrets", "Configs", "Networks", "Constraints", "Ports")
# How a service is updated is not what runs, and `--force` counts up without changing anything.
IGNORED = ("ForceUpdate", "UpdateConfig", "RollbackConfig")
# A config or a secret that comes again under its name, which ends in a hash of its content, has another ID.
IDENTITIES = ("ConfigID", "SecretID")
# So has a network after `down`. A service names it by that alone: which one it is cannot be told.
NETWORKS = "Networks"

Api = Mapping[str, Any]


@dataclass(frozen=True)
class Service:
    """One service as it was deployed; `replicas` is None where it runs on every node that fits."""

    replicas: int | None
    fingerprint: str
    image: str = ""
    former: tuple[str, ...] = field(default=(), compare=False)
    """The fingerprint as releases before this one took it, with the IDs of networks, or of all three."""


def described(specification: Api) -> Service:
    """Read a service's specification, as the Docker API gives it."""
    replicated = specification["Mode"].get("Replicated")
    return Service(
        replicas=int(replicated["Replicas"]) if replicated else None,
        fingerprint=_fingerprint(_anywhere(specification), (*IGNORED, *IDENTITIES)),
        image=str(specification.get("TaskTemplate", {}).get("ContainerSpec", {}).get("Image", "")),
        former=tuple(_fingerprint(specification, ignored) for ignored in ((*IGNORED, *IDENTITIES), IGNORED)),
    )


def _anywhere(specification: Api) -> Api:
    """Return a specification without the IDs of its networks."""
    task = specification.get("TaskTemplate", {})
    networks = [{**network, "Target": ""} for network in task.get(NETWORKS) or ()]
    return {**specification, "TaskTemplate": {**task, NETWORKS: networks}}


def _fingerprint(specification: Api, ignored: Sequence[str]) -> str:
    text = json.dumps(_plain(specification, ignored), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any, ignored: Sequence[str], name: str = "") -> Any:
    """Return a specification without what may differ although the same runs."""
    if isinstance(value, Mapping):
        parts = {key: _plain(part, ignored, key) for key, part in value.items() if key not in ignored}
        return {key: part for key, part in parts.items() if part not in (None, "", [], {}, False)}
    if isinstance(value, list):
        parts_of_list = [_plain(part, ignored) for part in value]
        return sorted(parts_of_list, key=json.dumps) if name in UNORDERED else parts_of_list
    return value


def differences(recorded: Mapping[str, Service], running: Mapping[str, Service]) -> dict[str, str]:
    """Say of each service that is not what was deployed how it differs, by name."""
    lines = {n: difference(recorded.get(n), running.get(n)) for n in sorted({*recorded, *running})}
    return {name: f"{name} {line}" for name, line in lines.items() if line}


def difference(deployed: Service | None, running: Service | None) -> str:
    """Say how a service differs from what was deployed; the empty string if it does not."""
    if running is None:
        return "was removed"
    if deployed is None:
        return "was added"
    if running.replicas != deployed.replicas:
        return f"was scaled to {running.replicas} from {deployed.replicas}"
    same = deployed.fingerprint in (running.fingerprint, *running.former)
    return "" if same else "was changed"


def contrary(wanted: Api, running: Service) -> str:
    """Say how a service differs from a stack file's words, as far as these say it: for want of a record."""
    deploy = wanted.get("deploy", {})
    replicas = None if deploy.get("mode") == "global" else int(deploy.get("replicas", 1))
    if running.replicas != replicas:
        return f"was scaled to {running.replicas} from {replicas}"
    return "has another image" if running.image != wanted["image"] else ""


def restored(difference: str) -> str:
    """Return what is done about a difference."""
    return f"restore: it {difference}" if difference else ""


def wanted(recorded: Mapping[str, Service], states: Sequence[ServiceState]) -> list[ServiceState]:
    """Return the services with the number of tasks that was deployed, those that are gone among them."""
    here = {state.name: state for state in states}
    for name, service in recorded.items():
        found = here.get(name, ServiceState(name, running=0, desired=1))
        here[name] = replace(found, desired=found.desired if service.replicas is None else service.replicas)
    return [here[name] for name in sorted(here)]
