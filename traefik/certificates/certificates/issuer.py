"""The copy that has the lease: it sees to it that there is a certificate, and that it is renewed in time."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from certificates.authority import keys
from certificates.authority.authority import Authority, AwayError, ForgottenError, InvalidError, RefusedError
from certificates.errors import ServiceError
from certificates.plan import certificate, limits, replacement, schedule
from certificates.plan.certificate import Certificate
from certificates.state import certificates, orders, outlook
from certificates.state.certificates import Held
from certificates.state.database import DatabaseAwayError
from certificates.state.lease import LeaseLostError
from certificates.state.orders import NewOrder, Order
from certificates.state.outlook import Outlook
from certificates.state.records import Records

IDLE_SECONDS = 5.0
BUSY_SECONDS = 1.0
# Of one order, until it is given up.
MOST_REFUSALS = 5
# So often one is looked at in a row; a server that needs longer is asked once in such a time.
MOST_LOOKS = 120
LATE_PAUSE = timedelta(minutes=1)
# Until it is asked for advice again that was not given: what is known already is kept to.
ADVICE_PAUSE = timedelta(minutes=10)

log = structlog.get_logger()


class Issuer:
    """Does one thing a turn; all that it knows is in the database, so any copy can take the next turn."""

    def __init__(self, authority: Authority, names: tuple[str, ...], records: Records) -> None:
        self._authority = authority
        self._names = names
        self._records = records
        self._outlook = Outlook()
        self._now = datetime.min  # by the database's clock, which every copy goes by
        self._refusals: Counter[int] = Counter()  # by order
        self._looks: Counter[int] = Counter()  # by order
        self.busy = threading.Event()  # while a turn goes on, which may outlast the lease

    def turn(self) -> float:
        """Do what is next, if this copy has the lease; return after how many seconds to look again.

        Raises DatabaseAwayError or LeaseLostError.
        """
        now = self._records.take_lease()
        if now is None:
            return IDLE_SECONDS
        self._now = now
        self.busy.set()
        try:
            return self._turn()
        finally:
            self.busy.clear()

    def _turn(self) -> float:
        with self._records.reading() as connection:
            about = (self._authority.name, self._names)
            order = orders.find_open(connection, self._records.vault, *about)
            held = certificates.held(connection, self._records.vault, *about)
            found = outlook.read(connection, *about)
        self._outlook = found or Outlook()
        if found is None:
            # What people read is still about other names, or another authority.
            self._write(self._outlook)
        return self._go_on(order, held) if order else self._look_after(held, self._now)

    def _look_after(self, held: Held | None, now: datetime) -> float:
        """Begin an order if it is time for one."""
        held = self._advised(held, now) if held else None
        if held and now < held.renew_at:
            self._note(replace(self._outlook, problem="", failures=0, next_try=None))
        elif self._outlook.next_try is None or now >= self._outlook.next_try:
            try:
                return self._begin(held, now)
            except (DatabaseAwayError, LeaseLostError):
                raise
            except ServiceError as error:
                self._fail(error, held)
        return IDLE_SECONDS

    def _advised(self, held: Held, now: datetime) -> Held:
        """Ask the authority when to renew, if it is time to ask."""
        one = held.certificate
        # RFC 9773, section 4.3: nobody asks about one that has ended.
        if one.not_after <= now or (held.advice_at and now < held.advice_at):
            return held
        try:
            advice = self._authority.advise(one)
        except (AwayError, RefusedError) as error:
            log.warning("no advice on renewal", reason=str(error))
            new = replace(held, advice_at=now + (_again(error) or ADVICE_PAUSE))
        else:
            at = schedule.renewal(one.not_before, one.not_after, advice.renew_at)
            advised = advice.renew_at is not None
            new = replace(held, renew_at=at, advised=advised, advice_at=now + advice.again)
        with self._records.writing() as connection:
            certificates.advise(connection, new)
        return new

    def _begin(self, held: Held | None, now: datetime) -> float:
        """Write an order down, unless it would be in vain."""
        with self._records.reading() as connection:
            past = orders.history(connection, self._authority.name, self._names)
        exempt = held is not None and held.advised
        if full := limits.reached(self._authority.limits, past, now, exempt=exempt):
            until, why = full
            problem = f"no order is made before the authority's rate limit allows it: {why}"
            self._note(replace(self._outlook, problem=problem, next_try=until))
            return IDLE_SECONDS
        found = self._authority.look(self._names, self._records.publish)
        if found.wrong:
            raise RefusedError(f"no order was made: {'; '.join(found.wrong)}", schedule.FIRST_PAUSE / 6)
        self._note(replace(self._outlook, warning="; ".join(found.doubtful)))
        name = replacement.identifier(held.certificate.chain) if held and held.advised else None
        new = NewOrder(self._authority.name, self._names, keys.make(), name)
        with self._records.writing() as connection:
            orders.write_down(connection, self._records.vault, new)
        log.info("order begun", names=self._names, authority=self._authority.name)
        return 0.0

    def _go_on(self, order: Order, held: Held | None) -> float:
        """Bring an order one step further, whoever began it."""
        if self._outlook.next_try and self._now < self._outlook.next_try:
            return IDLE_SECONDS
        try:
            return self._step(order)
        except (DatabaseAwayError, LeaseLostError):
            raise
        except InvalidError as error:
            self._end(order, "invalid", error, held)
        except ForgottenError as error:
            self._end(order, "dropped", error, held)
        except ServiceError as error:
            # The order may still become a certificate: another one would count for the rate limits.
            if isinstance(error, RefusedError) and not error.again:
                self._refusals[order.id] += 1
            if self._refusals[order.id] > MOST_REFUSALS:
                self._end(order, "dropped", error, held)
            else:
                self._fail(error, held)
        return IDLE_SECONDS

    def _step(self, order: Order) -> float:
        if order.url is None:
            url, replaces = self._authority.place(order)
            with self._records.writing() as connection:
                orders.placed(connection, order, url, replaces)
            log.info("order placed", url=url, replaces=replaces)
            return 0.0
        chain = self._authority.advance(order, self._records.publish)
        if chain is None:
            self._looks[order.id] += 1
            if self._looks[order.id] > MOST_LOOKS:
                raise RefusedError("the authority has not finished the order yet", LATE_PAUSE)
            return BUSY_SECONDS
        self._store(order, chain)
        return 0.0

    def _store(self, order: Order, chain: str) -> None:
        """Keep what was issued; its order ends in the same transaction."""
        made = _read(order, chain)
        calm = Outlook(warning=self._outlook.warning, caa=self._caa())
        with self._records.writing() as connection:
            renew_at = schedule.renewal(made.not_before, made.not_after)
            certificates.keep(connection, self._records.vault, made, renew_at)
            orders.end(connection, order.id, "issued")
            outlook.write(connection, self._authority.name, self._names, calm)
        log.info("certificate issued", names=made.names, until=made.not_after.isoformat())
        self._tidy(order)

    def _end(self, order: Order, outcome: orders.Outcome, error: ServiceError, held: Held | None) -> None:
        with self._records.writing() as connection:
            orders.end(connection, order.id, outcome, str(error))
        self._fail(error, held)
        self._tidy(order)

    def _tidy(self, order: Order) -> None:
        if order.url is None:
            return
        try:
            self._authority.tidy(order)
        except ServiceError as error:
            log.warning("what was put up for an order is still there", reason=str(error))

    def _caa(self) -> str:
        try:
            return self._authority.caa(self._names)
        except (AwayError, RefusedError):
            return ""

    def _fail(self, error: ServiceError, held: Held | None) -> None:
        """Write down what is wrong, and when it is tried again."""
        now, again, problem = self._now, _again(error), str(error) or type(error).__name__
        failures = self._outlook.failures + (0 if again else 1)
        left = held.certificate.not_after - now if held else None
        wait = again or schedule.pause(failures, left)
        log.warning(
            "no certificate yet" if held is None else "not renewed yet",
            reason=problem,
            seconds=_whole(wait),
        )
        # An empty one would be shown as none at all.
        self._note(replace(self._outlook, problem=problem, failures=failures, next_try=now + wait))

    def _note(self, new: Outlook) -> None:
        if new != self._outlook:
            self._write(new)
        self._outlook = new

    def _write(self, new: Outlook) -> None:
        with self._records.writing() as connection:
            outlook.write(connection, self._authority.name, self._names, new)


def _read(order: Order, chain: str) -> Certificate:
    """Return what was issued, by the names that were ordered; raise RefusedError if it is something else."""
    try:
        made = certificate.read(order.authority, chain, order.key)
    except ValueError as error:
        raise RefusedError(f"what was issued is no certificate: {error}") from error
    if missing := set(order.names) - set(made.names):
        raise RefusedError(f"what was issued is not for {', '.join(sorted(missing))}")
    return replace(made, names=order.names)


def _again(error: ServiceError) -> timedelta | None:
    """Return when the authority wants to be asked again: waiting for that moment is no failure."""
    return error.again if isinstance(error, RefusedError) else None


def _whole(wait: timedelta) -> int:
    return round(wait.total_seconds())
