"""What the issuer asks of whoever signs certificates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from certificates.errors import ServiceError
from certificates.plan.certificate import Certificate
from certificates.plan.findings import Findings
from certificates.plan.limits import Limit
from certificates.state.orders import Order


class AwayError(ServiceError):
    """The authority does not answer; nothing is known of what was asked."""


class RefusedError(ServiceError):
    """The authority refuses something; `again` is when it wants to be asked again, if it says so."""

    def __init__(self, message: str, again: timedelta | None = None) -> None:
        super().__init__(message)
        self.again = again


class InvalidError(ServiceError):
    """The order has ended without a certificate: a name could not be validated."""


class ForgottenError(ServiceError):
    """The authority does not know the order any more; it never becomes a certificate."""


@dataclass(frozen=True)
class Advice:
    """When the authority wants a certificate to be renewed, if any, and after what time to ask again."""

    renew_at: datetime | None
    again: timedelta


# Lets every copy answer a token.
Publish = Callable[[str, str], None]


class Authority(Protocol):
    """Signs certificates; every method may raise AwayError or RefusedError."""

    name: str

    @property
    def limits(self) -> Sequence[Limit]:
        """What the authority allows in a period."""

    def look(self, names: tuple[str, ...], publish: Publish) -> Findings:
        """Say what would make an order fail, without making one."""

    def place(self, order: Order) -> tuple[str, str | None]:
        """Make an order; return its address, and what it replaces after all."""

    def advance(self, order: Order, publish: Publish) -> str | None:
        """Do what the order waits for; return the chain (PEM) once it is there.

        Raises InvalidError or ForgottenError.
        """

    def tidy(self, order: Order) -> None:
        """Take back what was put up for an order that has ended."""

    def advise(self, certificate: Certificate) -> Advice:
        """Say when a certificate is to be renewed."""

    def caa(self, names: tuple[str, ...]) -> str:
        """Return the DNS records that let this account alone order certificates; empty without any."""
