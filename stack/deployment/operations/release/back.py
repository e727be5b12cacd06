"""The way back to the last good release, when a deployment fails after what runs was changed."""

from collections.abc import Sequence
from typing import NoReturn

from deployment.engine.records import options as recorded_options
from deployment.engine.swarm import services
from deployment.errors import DeployError
from deployment.operations import status
from deployment.operations.runner import operation
from deployment.operations.runner.log import INTERRUPTED
from deployment.operations.runner.operation import Step
from deployment.operations.runner.site import Site
from deployment.operations.runner.turn import TurnLostError
from deployment.operations.steps.health import Health
from deployment.operations.steps.intake import Drain, Readable, Reopen
from deployment.operations.steps.record import Record
from deployment.operations.steps.rollout import DataNodes, Deploy
from deployment.plan.release import inside
from deployment.plan.release.history import Deployment
from deployment.plan.release.options import Options, of_environment
from deployment.plan.release.release import Release

WENT_BACK, STUCK = 1, 3


class WayBack:
    """Goes back to the last good release."""

    def begin(self, site: Site) -> None:
        """Keep how the stack is before it is changed, so that a failure can be told from an older one."""
        site.ran, site.before = _ran(site), frozenset(_lacking(site))

    def go(self, site: Site, cause: DeployError) -> NoReturn:
        """Bring the last good release back, one data node at a time, and raise DeployError about both.

        Its exit code is 1 if the former release runs again, and 3 if going back failed, too. Where there is
        no other good release the stack is left as it is.
        """
        last = None
        try:
            site.look_again()
            last = site.last
            reason = _no_way(site)
        except Exception as error:  # noqa: BLE001 - the engine itself may be gone
            raise _stuck(cause, operation.readable(error), last) from cause
        if reason or last is None:
            raise DeployError(cause.what, f"{cause.remedy} {reason}", cause.evidence) from cause
        site.progress.say(f"  Failed: {cause.what}")
        site.progress.say(f"  Going back to release {last.release.identity}, number {last.number}")
        _return(site, last, cause)
        raise DeployError(
            f"{cause.what} The stack runs the former release {last.release.identity} again.",
            cause.remedy,
            cause.evidence,
            code=WENT_BACK,
        ) from cause


def _return(site: Site, last: Deployment, cause: DeployError) -> None:
    former = _former(site, last)
    try:
        operation.carry_out(BACK, former)
    except TurnLostError:
        raise
    except KeyboardInterrupt:
        raise _interrupted(cause, last) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, the former release does not run again
        raise _stuck(cause, operation.readable(error), last) from cause
    finally:
        if former.pause:
            former.pause.leave()


def _former(site: Site, last: Deployment) -> Site:
    """Return the same engine with the last good release as what is wanted."""

    def goal(on: Site) -> Release:
        return last.release.renewed(on.secrets, last.release.variables)

    return Site(
        site.settings, site.progress, site.client, goal, verb=f"back from {site.verb}",
        names=last.release.hosts, source=last.source, scaled=last.scaled, careful=True, turn=site.turn,
        pause=site.pause,
    )  # fmt: skip


def _ran(site: Site) -> frozenset[str]:
    """Return the identities of what runs; the last good release is among them also with today's secrets."""
    ran = frozenset(site.handed.values())
    if not ran or site.last is None or site.last.release.identity in ran:
        return ran
    renewed = _renewed(site, site.last.release).identity in ran  # by a change of secrets that is under way
    return ran | {site.last.release.identity} if renewed else ran


def _renewed(site: Site, release: Release) -> Release:
    return inside.agreed(release.renewed(site.secrets, release.variables), site.told)


def _no_way(site: Site) -> str:
    """Say why there is nothing to go back to; the empty string if there is."""
    if site.last is None:
        return "There is no good release yet to go back to: what was begun is left as it is."
    if site.ran and site.last.release.identity not in site.ran:
        return "What ran before was no release that is kept, so what was begun is left as it is."
    last = site.last.release
    if site.wanted and site.wanted.identity in (last.identity, _renewed(site, last).identity):
        return "The last good release is this one, so there is nothing to go back to."
    if _nothing_worse(site):
        return "Nothing is missing that was not missing before, so the new release stays."
    return ""


def _nothing_worse(site: Site) -> bool:
    """Whether the new release is not to blame: all of it runs, and what is missing was missing before."""
    if site.wanted is None or set(site.handed.values()) != {site.wanted.identity}:
        return False  # Swarm, too, takes back what fails
    failed = any(state.failure for state in services.states(site.engine, since=site.since))
    return not failed and bool(site.before) and not set(_lacking(site)) - site.before


def _lacking(site: Site) -> list[str]:
    """Name what the stack that runs lacks of the full strength of the last good release."""
    if site.last is None or not site.handed:
        return []
    return status.missing(site.engine, site.last.release, site.entrance(site.last.release))


class FormerOptions:
    """The options on offer are those of the last good release; keys that were given since stay given."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name them if others are on offer."""
        former = self._former(site)
        return (
            [] if site.options == former else [f"offer {', '.join(former.names[k] for k in former.offered)}"]
        )

    def do(self, site: Site) -> None:
        """Keep them in the Swarm."""
        recorded_options.record(site.engine, self._former(site))

    def _former(self, site: Site) -> Options:
        told = of_environment(site.require_wanted().variables)
        names = site.options.names if site.options else {}
        return Options({**names, **told.names}, told.offered)


def _interrupted(cause: DeployError, last: Deployment) -> DeployError:
    return DeployError(
        f"{cause.what} Interrupted while going back to the former release.",
        f"Run `python3 deploy.py rollback {last.number}`: it goes on from here.",
        cause.evidence,
        code=INTERRUPTED,
    )


def _stuck(cause: DeployError, error: DeployError, last: Deployment | None) -> DeployError:
    # Without a number `rollback` may mean the release before it: all services may bear its name by now.
    number = str(last.number) if last else "with the number that `releases` marks as (deployed last)"
    return DeployError(
        f"{cause.what} Going back to the former release failed, too: {error.what}",
        f"{error.remedy} Then go on with going back: python3 deploy.py rollback {number}",
        [*cause.evidence, *error.evidence],
        code=STUCK,
    )


BACK: Sequence[Step] = (
    *(Readable(), FormerOptions(), DataNodes()),
    *(Drain(), Deploy(), Reopen(), Health(), Reopen(), Record()),
)
