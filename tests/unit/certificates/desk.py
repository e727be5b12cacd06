"""What an issuer works with: a database's tables in memory, and an authority that does what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

from certificates.authority import keys
from certificates.authority.authority import Advice, Publish
from certificates.errors import ServiceError
from certificates.plan.certificate import Certificate
from certificates.plan.findings import Findings
from certificates.plan.limits import Limit, Past
from certificates.state.certificates import Held
from certificates.state.database import Connection
from certificates.state.lease import LeaseLostError
from certificates.state.orders import NewOrder, Order, Outcome
from certificates.state.outlook import Outlook
from certificates.state.records import Records
from certificates.state.vault import Vault
from unit.certificates.made import DAY, NAMES, NOW, local_authority

URL = "https://acme.example/order/7"


class Desk(Records):
    """Stands for the records, and for the modules that read and write what an issuer needs of them."""

    def __init__(self) -> None:
        self.vault = Vault("secret")
        self.lease, self.lost, self.now = True, False, NOW
        self.order: Order | None = None
        self.ended: list[tuple[Outcome, str]] = []
        self.past: list[Past] = []
        self.newest: Held | None = None
        self.outlook, self.outlook_is_of_others = Outlook(), False
        self.orders = 0

    def lose(self) -> None:
        """Let another copy have the lease."""
        self.lost = True

    def take_lease(self) -> datetime | None:
        return self.now if self.lease else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        yield cast(Connection, self)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        if self.lost:
            raise LeaseLostError("another copy has the lease")
        yield cast(Connection, self)

    def find_open(self, *_: Any) -> Order | None:
        return self.order

    def write_down(self, _connection: Connection, _vault: Vault, new: NewOrder) -> None:
        self.orders += 1
        self.order = Order(new.authority, new.names, new.key, new.replaces, self.orders, None)

    def placed(self, _connection: Connection, order: Order, url: str, replaces: str | None) -> None:
        self.order = replace(order, url=url, replaces=replaces)

    def end(self, _connection: Connection, order_id: int, outcome: Outcome, problem: str = "") -> None:
        assert self.order is not None
        assert self.order.id == order_id
        self.ended.append((outcome, problem))
        self.order = None

    def history(self, *_: Any) -> list[Past]:
        return self.past

    def held(self, *_: Any) -> Held | None:
        return self.newest

    def keep(self, _connection: Connection, _vault: Vault, made: Certificate, renew_at: datetime) -> None:
        self.newest = Held(self.orders, made, renew_at, advised=False, advice_at=None)

    def advise(self, _connection: Connection, held: Held) -> None:
        self.newest = held

    def read(self, *_: Any) -> Outlook | None:
        return None if self.outlook_is_of_others else self.outlook

    def write(self, _connection: Connection, _authority: str, _names: tuple[str, ...], new: Outlook) -> None:
        self.outlook, self.outlook_is_of_others = new, False


class FakeAuthority:
    """Signs by a local authority; what is in `raises` is raised by the method of that name.

    What is in `meanwhile` happens before.
    """

    name = "https://acme.example/directory"

    def __init__(self, life: timedelta = 90 * DAY) -> None:
        self._local, _ = local_authority(life)
        self.limits: tuple[Limit, ...] = ()
        self.raises: dict[str, ServiceError] = {}
        self.meanwhile: dict[str, Callable[[], None]] = {}
        self.found = Findings()
        self.waits = 0
        self.chain = ""
        self.signed: tuple[str, ...] = NAMES
        self.advised: datetime | None = None
        self.called: list[str] = []
        self.replaced: list[str | None] = []

    def _call(self, method: str) -> None:
        self.called.append(method)
        self.meanwhile.get(method, lambda: None)()
        if method in self.raises:
            raise self.raises[method]

    def look(self, names: tuple[str, ...], publish: Publish) -> Findings:
        self._call("look")
        return self.found

    def place(self, order: Order) -> tuple[str, str | None]:
        self._call("place")
        self.replaced.append(order.replaces)
        return URL, order.replaces

    def advance(self, order: Order, publish: Publish) -> str | None:
        self._call("advance")
        self.waits -= 1
        return None if self.waits >= 0 else self.chain or self._local.sign(self.signed, keys.load(order.key))

    def tidy(self, order: Order) -> None:
        self._call("tidy")

    def advise(self, certificate: Certificate) -> Advice:
        self._call("advise")
        return Advice(self.advised, DAY)

    def caa(self, names: tuple[str, ...]) -> str:
        self._call("caa")
        return "a CAA record"

    def held(self, age: timedelta, now: datetime = NOW) -> Held:
        """Return a certificate of some age, to be renewed with a third of its life left."""
        life = 90 * DAY
        until = now - age + life
        made = replace(self._local.provisional(NAMES), not_before=until - life, not_after=until)
        return Held(0, made, until - life / 3, advised=False, advice_at=now + DAY)
