"""The images' way to other nodes: a registry that all of them pull from, by digest."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

import docker
from docker.errors import APIError

from deployment.configuration.layout import NO_REGISTRY, STACK
from deployment.errors import DeployError
from deployment.progress import Task

# What the engine knows of an image, by each of its names: its digests in registries.
Digests = Mapping[str, Sequence[str]]
# How Go's HTTP client puts it that a registry has no address, or that nothing answers there. A proxy that the
# engine was told to use, and that does not answer, is a mistake of its settings instead.
SILENCE = (
    *("no such host", "server misbehaving", "Temporary failure in name resolution", "dial tcp: lookup"),
    *("connection refused", "network is unreachable", "no route to host", "host is down"),
    *("i/o timeout", "connection timed out", "TLS handshake timeout", "Client.Timeout", "deadline exceeded"),
)


def remote(image: str, prefix: str) -> str:
    """Return an image's name in the registry."""
    name = image.removeprefix(f"{NO_REGISTRY}/").removeprefix(f"{STACK}/")
    return f"{prefix}/{STACK}/{name}"


def repository(name: str) -> str:
    """Return an image's name without its tag and digest; a registry's port is no tag."""
    name = name.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def observe(client: docker.DockerClient) -> dict[str, tuple[str, ...]]:
    """Return the digests of every image that the engine has, by name and tag."""
    return {
        tag: tuple(image["RepoDigests"] or ())
        for image in client.api.images()
        for tag in image["RepoTags"] or ()
    }


def deployable(image: str, digests: Digests, prefix: str) -> str | None:
    """Return the name to deploy an image by: with its digest, wherever a registry gave it one.

    With a registry's `prefix` that is its name there, or None until it was pushed.
    """
    name = remote(image, prefix) if prefix else image
    for known in digests.get(image, ()):
        if known.partition("@")[0] == repository(name):
            return f"{name}@{known.partition('@')[2]}"
    return None if prefix else image


def held(
    client: docker.DockerClient, run: Mapping[str, str], digests: Digests, prefix: str
) -> dict[str, str | None]:
    """Return the names that the nodes get the images by; None is one that the registry does not hold."""
    names = {key: deployable(image, digests, prefix) for key, image in run.items()}
    if not prefix:
        return names
    return {key: name if name and holds(client, name) else None for key, name in names.items()}


def offered(client: docker.DockerClient, wanted: Iterable[str], prefix: str) -> dict[str, tuple[str, ...]]:
    """Return the digests of those of the images that a registry has: another manager pushed them."""
    found: dict[str, tuple[str, ...]] = {}
    for name in wanted if prefix else ():
        with suppress(APIError):
            there = client.api.inspect_distribution(remote(name, prefix))["Descriptor"]["digest"]
            found[name] = (f"{repository(remote(name, prefix))}@{there}",)
    return found


def holds(client: docker.DockerClient, name: str) -> bool:
    """Ask the registry: the engine remembers what it pushed, also to a registry that lost it since."""
    try:
        client.api.inspect_distribution(name)
    except APIError:
        return False
    return True


def pull(client: docker.DockerClient, name: str) -> str | None:
    """Get an image from the registry that its name says; return why not, in the words that the engine has."""
    try:
        for message in client.api.pull(*name.rsplit(":", 1), stream=True, decode=True):
            if problem := message.get("error"):
                return str(problem).strip()
    except APIError as error:
        return str(error.explanation or error).strip()
    return None


def silent(problem: str) -> bool:
    """Whether a failed pull means that no registry answers here; one that refuses has answered."""
    return any(sign in problem for sign in SILENCE) and "proxyconnect" not in problem


def push(client: docker.DockerClient, image: str, prefix: str, task: Task) -> str:
    """Put an image into the registry and return its name there; raise DeployError if it is not taken."""
    name = remote(image, prefix)
    target, tag = repository(name), name.rpartition(":")[2]
    try:
        client.images.get(image).tag(target, tag)
        for message in client.api.push(target, tag=tag, stream=True, decode=True):
            if problem := message.get("error"):
                raise _refused(name, str(problem))
            task.detail(" ".join(str(message.get(part, "")) for part in ("id", "status", "progress")).strip())
    except APIError as error:
        raise _refused(name, str(error.explanation or error)) from error
    pushed = deployable(image, observe(client), prefix)
    if pushed is None:
        raise _refused(name, "it gave no digest")
    return pushed


def _refused(name: str, problem: str) -> DeployError:
    host = name.partition("/")[0]
    return DeployError(
        f"The registry did not take {name}: {problem.strip()}",
        f"Log in (`docker login {host}`), or see that it runs and that this engine trusts it: one without "
        "HTTPS must be among the `insecure-registries` of every node. Then run `up` again; nothing was "
        "deployed.",
    )
