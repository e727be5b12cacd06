"""Whether votes are taken: Redis says so where they are appended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from vote.errors import ServiceError
from vote.primary import NotAcceptingError

CLOSED = "closed"
REFUSAL = "INTAKE "


class NotTakenError(ServiceError):
    """No votes are taken now, in this `state` of the intake; nothing was recorded."""

    def __init__(self, state: str) -> None:
        super().__init__(f"no votes are taken: {state}")
        self.state = state


def judge(replies: Sequence[Any]) -> None:
    """Return if every entry was appended.

    Raises NotTakenError where the intake refused them all, and NotAcceptingError where some may be appended.
    """
    errors = [str(reply) for reply in replies if isinstance(reply, ResponseError)]
    if len(errors) == len(replies) and all(error.startswith(REFUSAL) for error in errors):
        raise NotTakenError(errors[0].removeprefix(REFUSAL))
    if errors:
        raise NotAcceptingError(errors[0])
