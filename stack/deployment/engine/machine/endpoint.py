"""The engine that the user asks for: where it is, found as the docker command does, or why it is silent."""

import os
from dataclasses import dataclass

from docker.context import ContextAPI
from docker.context.config import get_current_context_name

from deployment.errors import DeployError

# Where the distribution's own engine listens.
OWN_SOCKETS = ("unix:///var/run/docker.sock", "unix:///run/docker.sock")
# Nothing listens there: the socket is not there, or nobody serves it.
ABSENT = ("FileNotFoundError", "ConnectionRefusedError")
LONGEST_REASON = 200
CERTIFICATES = "ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH"
# What docker-py, urllib3, OpenSSL and the engine say (the first that fits counts), and what it means.
REASONS = {
    "FileNotFoundError": "there is no such socket",
    "Connection refused": "nobody listens there",
    "Failed to resolve": "its name cannot be resolved",
    "timed out": "no answer came in time",
    "No route to host": "no route leads there",
    "Network is unreachable": "no route leads there",
    "CERTIFICATE_VERIFY_FAILED": "its TLS certificate is none that ca.pem in DOCKER_CERT_PATH trusts",
    "WRONG_VERSION_NUMBER": "it does not speak TLS, which DOCKER_TLS_VERIFY or DOCKER_CERT_PATH ask for",
    "HTTP request to an HTTPS server": f"it speaks TLS only: set DOCKER_TLS_VERIFY=1, with {CERTIFICATES}",
    "ConnectionResetError": "it cut the connection, as one does that speaks TLS only (DOCKER_TLS_VERIFY=1)",
    "key files must be provided": f"DOCKER_TLS_VERIFY asks for TLS, but there are not all of {CERTIFICATES}",
}


@dataclass(frozen=True)
class Endpoint:
    """Address of an engine, and what asks for it; nothing does for this machine's own."""

    address: str
    asked_by: str = ""

    def unanswered(self, problem: str) -> DeployError | None:
        """Return the error that a failed connection means; None if this machine's own engine is absent."""
        if not self.asked_by and any(sign in problem for sign in ABSENT):
            return None
        if "PermissionError" in problem:
            return DeployError(
                "The Docker Engine refuses this user.",
                "Run as root (sudo python3 deploy.py …), or join the docker group and log in again.",
            )
        if not self.asked_by:
            return DeployError(
                f"The Docker Engine of this machine does not answer: {reason(problem)}.",
                "Look at its log (`journalctl -u docker`), mend that, and run the same command again.",
            )
        return DeployError(
            f"The Docker Engine at {self.address}, asked for by {self.asked_by}, does not answer: "
            f"{reason(problem)}.",
            f"Correct {self.asked_by}, or take it away to use this machine's own engine: nothing was "
            "installed or started in its stead.",
        )


def wanted() -> Endpoint:
    """Return the engine that the docker command would talk to: DOCKER_HOST, the context, this machine's own.

    Raises DeployError if that is a Docker context that is not there, or one that SSH leads to.
    """
    found = _wanted()
    if found.address.startswith("ssh://"):
        raise DeployError(
            f"The Docker Engine at {found.address}, asked for by {found.asked_by}, is behind SSH, which "
            "deploy.py does not speak.",
            "Run deploy.py there, or bring its socket here: "
            f"ssh -fNL /tmp/remote-docker.sock:/var/run/docker.sock {found.address}, then "
            "DOCKER_HOST=unix:///tmp/remote-docker.sock python3 deploy.py …",
        )
    return found


def _wanted() -> Endpoint:
    if address := os.environ.get("DOCKER_HOST"):
        return _endpoint(address, "DOCKER_HOST")
    name = os.environ.get("DOCKER_CONTEXT") or get_current_context_name()
    if name == "default":
        return Endpoint(OWN_SOCKETS[0])
    context = ContextAPI.get_context(name)
    if context is None:
        raise DeployError(
            f"The Docker context {name!r} is not to be found (or Docker's config.json is not beside it).",
            "`docker context ls` lists them. Choose another (`docker context use default` is this machine's "
            "own engine; DOCKER_CONTEXT wins over that), or set DOCKER_HOST to the address of its engine.",
        )
    return _endpoint(str(context.Host), f"the Docker context {name!r}")


def _endpoint(address: str, asked_by: str) -> Endpoint:
    return Endpoint(address, "" if address in OWN_SOCKETS else asked_by)


def reason(problem: str) -> str:
    """Say why a connection to an engine failed, in words that fit or else in the library's own."""
    words = problem.removeprefix("Error while fetching server API version: ").strip()[:LONGEST_REASON]
    known = (meaning for sign, meaning in REASONS.items() if sign in problem)
    return next(known, words.partition("\n")[0].rstrip("."))
