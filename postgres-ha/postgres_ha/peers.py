"""The other nodes' agents: what they last said, and how to ask them for something."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from postgres_ha import agents
from postgres_ha.errors import ServiceError
from postgres_ha.state import NodeState
from postgres_ha.tls import Tls

POLL_SECONDS = 1.0
POLL_TIMEOUT_SECONDS = 1.5
# Without a primary, whatever a peer says decides what is next.
HASTE_SECONDS = 0.15
FRESH_SECONDS = 3.0
# One answer that does not come in time is enough: whoever asks could not reach the primary, either.
LIVING_SECONDS = POLL_SECONDS + POLL_TIMEOUT_SECONDS
_LOOK_SECONDS = 0.05


class AgentError(ServiceError):
    """An agent refused or did not answer; the message says why."""


class NotEnoughError(ServiceError):
    """Too few peers agreed; the message has every refusal."""


@dataclass(frozen=True)
class Client:
    """Talk to agents, by name or at one address; the token is needed for all that changes something."""

    tls: Tls
    token: str = field(default="", repr=False)
    address: str = ""

    def get_state(self, host: str, timeout: float) -> dict[str, Any]:
        """Return what a node says of itself; raise AgentError."""
        return self._call(host, "GET", "/state", {}, timeout)

    def post(self, host: str, path: str, body: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Ask for something; raise AgentError if it is not done within the timeout."""
        return self._call(host, "POST", path, body, timeout)

    def _call(
        self, host: str, method: str, path: str, body: dict[str, Any], timeout: float
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            with closing(agents.connect(self.tls, host, timeout, self.address)) as connection:
                connection.request(method, path, json.dumps(body), headers)
                response = connection.getresponse()
                answer: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise AgentError(f"{host}: {error}") from error
        if response.status != http.HTTPStatus.OK:
            raise AgentError(f"{host}: {answer.get('error', response.status)}")
        return answer


class Peers:
    """Poll every peer in a thread of its own, so that a silent one delays nobody.

    `bereaved` is called when an open primary is certainly gone, with its name.
    """

    def __init__(
        self, names: tuple[str, ...], client: Client, bereaved: Callable[[str], None] = lambda _: None
    ) -> None:
        self._names = names
        self._client = client
        self._bereaved = bereaved
        self._states = agents.States(client.tls)
        self._seen: dict[str, tuple[float, NodeState]] = {}
        self._wakes = {name: socket.socketpair() for name in names}
        self._hasty_until = float("-inf")

    def start(self) -> None:
        """Begin to poll."""
        for name in self._names:
            threading.Thread(target=self._watch, args=(name,), daemon=True).start()

    def poll(self, name: str) -> None:
        """Ask a peer what it is and keep the answer; its silence shows in the age of the last one."""
        started = time.monotonic()
        try:
            answer = self._states.ask(name, POLL_TIMEOUT_SECONDS)
            self._seen[name] = (started, NodeState.from_json(answer))
        except agents.GoneError:
            self._bury(name)
        except (OSError, http.client.HTTPException, KeyError, TypeError, ValueError):
            pass  # silence is what `states` reports after FRESH_SECONDS

    def hasten(self, seconds: float) -> None:
        """Poll more often for so long, unless a primary is heard."""
        self._hasty_until = time.monotonic() + seconds
        for wake, _ in self._wakes.values():
            wake.send(b"!")

    def states(self) -> dict[str, NodeState | None]:
        """Return each peer's state if it was heard within FRESH_SECONDS, else None."""
        oldest = time.monotonic() - FRESH_SECONDS
        seen = dict(self._seen)
        return {
            name: seen[name][1] if name in seen and seen[name][0] >= oldest else None for name in self._names
        }

    def living_primary(self) -> str | None:
        """Return the name of an open primary that answers.

        Waits until one has answered since the question, or for LIVING_SECONDS none has: whoever asks
        has often just lost the primary, and what it said a second before its death proves nothing.
        """
        asked = time.monotonic()
        while (heard := self._last_primary()) and heard[0] < asked:
            time.sleep(_LOOK_SECONDS)
        return heard[1] if heard else None

    def heard_primary(self) -> str | None:
        """Return, without waiting, the name of an open primary that answered within LIVING_SECONDS."""
        heard = self._last_primary()
        return heard[1] if heard else None

    def leads(self, name: str) -> bool:
        """Whether a peer said within FRESH_SECONDS that it is an open primary."""
        state = self.states()[name]
        return state is not None and state.open

    def forget(self, name: str) -> None:
        """Drop what a peer said: it has announced that this no longer holds."""
        self._seen.pop(name, None)

    def ask(self, path: str, body: dict[str, Any], timeout: float, enough: int) -> list[str]:
        """Post to every peer at once until `enough` have agreed; raise NotEnoughError.

        Return the refusals until then. A peer that is frozen must not delay what the others
        have already made possible, so its answer is not waited for.
        """
        pool = ThreadPoolExecutor(len(self._names))
        asked = [pool.submit(self._refusal, name, path, body, timeout) for name in self._names]
        pool.shutdown(wait=False)
        refusals: list[str] = []
        for number, answer in enumerate(as_completed(asked), start=1):
            refusal = answer.result()
            refusals += [refusal] if refusal else []
            if number - len(refusals) >= enough:
                return refusals
        raise NotEnoughError("; ".join(refusals))

    def _bury(self, name: str) -> None:
        """Drop what a peer said, and say so if that was a primary just now."""
        when, last = self._seen.pop(name, (0.0, None))
        if last and last.open and when >= time.monotonic() - FRESH_SECONDS:
            self._bereaved(name)

    def _last_primary(self) -> tuple[float, str] | None:
        oldest = time.monotonic() - LIVING_SECONDS
        seen = dict(self._seen).items()
        return max(
            ((when, name) for name, (when, peer) in seen if peer.open and when >= oldest), default=None
        )

    def _refusal(self, name: str, path: str, body: dict[str, Any], timeout: float) -> str | None:
        try:
            self._client.post(name, path, body, timeout)
        except AgentError as error:
            return str(error)
        return None

    def _watch(self, name: str) -> None:
        while True:
            started = time.monotonic()
            self.poll(name)
            self._states.pause(name, _left(started, self._period()), self._wakes[name][1])
            time.sleep(_left(started, _LOOK_SECONDS))

    def _period(self) -> float:
        hasty = time.monotonic() < self._hasty_until and not self.heard_primary()
        return HASTE_SECONDS if hasty else POLL_SECONDS


def _left(started: float, seconds: float) -> float:
    return max(0.0, started + seconds - time.monotonic())
