"""What DNS says of our names."""

from collections.abc import Iterable

import dns.exception
import dns.name
import dns.resolver
from dns.nameserver import Do53Nameserver
from dns.rdtypes.ANY.CAA import CAA
from dns.rdtypes.ANY.TXT import TXT

from certificates.errors import ServiceError
from certificates.plan.caa import CaaRecord

ANSWER_SECONDS = 5.0


class NamesError(ServiceError):
    """DNS did not say what was asked."""


class NoAddressError(NamesError):
    """DNS says that there is no such name, or that the name has no address."""


class Resolver:
    """Asks DNS servers; without any, those of the system."""

    def __init__(self, servers: tuple[tuple[str, int], ...] = ()) -> None:
        self._resolver = dns.resolver.Resolver(configure=not servers)
        if servers:
            self._resolver.nameservers = [Do53Nameserver(*server) for server in servers]
        self._resolver.lifetime = ANSWER_SECONDS

    def addresses(self, name: str) -> tuple[str, ...]:
        """Return all IPv4 and IPv6 addresses of a name; raise NamesError."""
        found = [str(record) for record in self._ask(name, "A")]
        try:
            found += [str(record) for record in self._ask(name, "AAAA")]
        except NamesError:
            # Some servers fail at AAAA alone. An ACME server then goes by the A records.
            if not found:
                raise
        if not found:
            raise NoAddressError(f"{name} has neither an A nor an AAAA record in DNS")
        return tuple(found)

    def caa(self, name: str) -> tuple[CaaRecord, ...]:
        """Return the CAA records that hold for a name: its own, or the nearest above it; raise NamesError."""
        labels = name.rstrip(".").split(".")
        for depth in range(len(labels)):
            if found := self._existing(".".join(labels[depth:]), "CAA"):
                return tuple(_caa_record(record) for record in found if isinstance(record, CAA))
        return ()

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the TXT records of a name, none if it does not exist; raise NamesError."""
        found = self._existing(name, "TXT")
        return tuple(_text(record.strings) for record in found if isinstance(record, TXT))

    def _existing(self, name: str, kind: str) -> list[object]:
        try:
            return self._ask(name, kind)
        except NoAddressError:
            return []

    def _ask(self, name: str, kind: str) -> list[object]:
        try:
            return list(self._resolver.resolve(dns.name.from_text(name), kind))
        except dns.resolver.NoAnswer:
            return []
        except dns.resolver.NXDOMAIN:
            raise NoAddressError(f"{name} does not exist in DNS") from None
        except dns.resolver.LifetimeTimeout:
            raise NamesError(f"No DNS server answers about {name} (asked: {self._servers})") from None
        except dns.resolver.NoNameservers as error:
            said = ", ".join(dict.fromkeys(_reason(answer) for _, _, _, answer, _ in error.kwargs["errors"]))
            raise NamesError(f"DNS gives no answer about {name}: {said} (asked: {self._servers})") from None
        except dns.exception.DNSException as error:
            raise NamesError(f"DNS cannot be asked about {name!r}: {_reason(error)}") from error

    @property
    def _servers(self) -> str:
        return ", ".join(
            f"{server.address}:{server.port}" if isinstance(server, Do53Nameserver) else str(server)
            for server in self._resolver.nameservers
        )


def _reason(said: object) -> str:
    """Return what a server or an error said; its name where that was its docstring, which is gone."""
    named = isinstance(said, dns.exception.DNSException) and str(said) == "None"
    return type(said).__name__ if named else str(said)


def _caa_record(record: CAA) -> CaaRecord:
    return CaaRecord(record.flags, _text([record.tag]), _text([record.value]))


def _text(strings: Iterable[bytes]) -> str:
    return b"".join(strings).decode(errors="replace")
