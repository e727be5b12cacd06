"""The way back to the last good release, when a deployment fails after what runs was changed."""

from collections.abc import Sequence
from typing import NoReturn

from deployment.engine.swarm import options as recorded_options
from deployment.errors import DeployError
from deployment.operations import operation, status
from deployment.operations.operation import BrokenError, Step
from deployment.operations.site import Site, now
from deployment.operations.steps.health import Health
from deployment.operations.steps.record import Record
from deployment.operations.steps.rollout import DataNodes, Deploy
from deployment.plan import history
from deployment.plan.options import Options, of_environment
from deployment.plan.release import Release

WENT_BACK, STUCK = 1, 3


def go(on: Site, cause: DeployError) -> NoReturn:
    """Bring the last good release back, one data node at a time, and raise DeployError about both.

    Its exit code is 1 if the former release runs again, and 3 if going back failed, too. Where there is no
    other good release the stack is left as it is.
    """
    on.look_again()
    if reason := _no_way(on):
        raise DeployError(cause.what, f"{cause.remedy} {reason}", cause.evidence) from cause
    last = on.deployments[-1]
    on.progress.say(f"  Failed: {cause.what}")
    on.progress.say(f"  Going back to release {last.release.identity}, number {last.number}")
    try:
        operation.carry_out(BACK, _site(on, last))
    except (BrokenError, DeployError) as error:
        raise _stuck(cause, error.cause if isinstance(error, BrokenError) else error) from cause
    raise DeployError(
        f"{cause.what} The stack runs the former release {last.release.identity} again.",
        cause.remedy,
        cause.evidence,
        code=WENT_BACK,
    ) from cause


def _site(on: Site, last: history.Deployment) -> Site:
    """Return the same engine with the last good release as what is wanted."""

    def goal(site: Site) -> Release:
        return last.release.renewed(site.secrets, last.release.variables)

    return Site(
        on.settings,
        on.progress,
        on.client,
        goal,
        verb=f"back from {on.verb}",
        since=now(),
        names=last.release.hosts,
        source=last.source,
        scaled=last.scaled,
    )


def _no_way(on: Site) -> str:
    """Say why there is nothing to go back to; the empty string if there is."""
    if on.last is None:
        return "There is no good release yet to go back to: what was begun is left as it is."
    if on.wanted and on.wanted.identity == on.last.release.identity:
        return "The last good release is this one, so there is nothing to go back to."
    if on.before and not set(lacking(on)) - on.before:
        return "Nothing is missing that was not missing before, so the new release stays."
    return ""


def lacking(on: Site) -> list[str]:
    """Name what the stack that runs lacks of the full strength of the last good release."""
    if on.last is None or not on.handed:
        return []
    return status.missing(on.engine, on.last.release, on.entrance(on.last.release))


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


def _stuck(cause: DeployError, error: DeployError) -> DeployError:
    return DeployError(
        f"{cause.what} Going back to the former release failed, too: {error.what}",
        f"Votes that were acknowledged are safe. {error.remedy}",
        [*cause.evidence, *error.evidence],
        code=STUCK,
    )


BACK: Sequence[Step] = (FormerOptions(), DataNodes(), Deploy(), Health(), Record())
