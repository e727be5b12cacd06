"""`deploy.py rollback`: back to a release that was good, in the order of a rollout."""

import time
from collections.abc import Collection, Sequence

from deployment.configuration.settings import Settings
from deployment.engine.images import images, registry
from deployment.engine.machine import engine
from deployment.engine.secrets import credentials
from deployment.errors import DeployError
from deployment.operations.release import summary
from deployment.operations.release.back import WayBack
from deployment.operations.runner import operation
from deployment.operations.runner.operation import Check, Step
from deployment.operations.runner.site import Site
from deployment.operations.steps.health import Health
from deployment.operations.steps.intake import Drain, Readable, Reopen
from deployment.operations.steps.record import Record, Sweep
from deployment.operations.steps.rollout import DataNodes, Deploy
from deployment.operations.steps.swarm import Secrets
from deployment.plan.release import bucket, history, rotation
from deployment.plan.release.history import Deployment
from deployment.plan.release.release import Release, secret_variable
from deployment.progress import Progress


class Available(Check):
    """Every image of the release can still be had, and the certificate if it is one of before."""

    def require(self, site: Site) -> None:
        """Raise DeployError naming what is gone."""
        release = site.require_wanted()
        _require_knows(release, rotation.doubled(site.versions), rotation.kept(site.versions))
        if lost := set(release.secrets) & set(credentials.FORMER) - site.secrets.keys():
            raise DeployError(
                f"Release {release.identity} showed a certificate for {' and '.join(release.hosts)} that is "
                f"gone ({', '.join(sorted(lost))}). Nothing was changed.",
                "Check out its source (`deploy.py releases` names it) and run `up` there, which makes one.",
            )
        gone = [image for image in release.images.values() if not _available(site, image)]
        if gone:
            raise DeployError(
                f"Images of release {release.identity} are gone: {', '.join(gone)}. Nothing was changed.",
                f"Those of the last {history.WITH_IMAGES} releases are kept. For an older one check out its "
                "source (`deploy.py releases` names it) and run `up` there.",
            )


ROLLBACK: Sequence[Step] = (
    *(Available(), Readable(), Secrets()),
    *(DataNodes(), Drain(), Deploy(), Reopen(), Health(), Reopen(), Record(), Sweep()),
)


def site(settings: Settings, progress: Progress, wanted: str) -> Site:
    """Return what `rollback` works on; raise DeployError if there is no such release.

    `wanted` is the number of a deployment or the identity of a release; the empty string means the release
    before the one that was deployed last.
    """
    client = engine.require()
    engine.require_command(client)
    seen = Site(settings, progress, client, lambda _: None)
    target, last = _chosen(seen, wanted), seen.deployments[-1]

    def goal(on: Site) -> Release:
        require_newest(on, last)
        renewed = target.release.renewed(on.secrets, last.release.variables)
        return bucket.kept(renewed, bucket.newest(each.release for each in seen.deployments))

    return Site(
        settings, progress, client, goal, verb=f"rollback to {target.number}", names=target.release.hosts,
        source=target.source, scaled=target.scaled,
    )  # fmt: skip


def _require_knows(release: Release, doubled: Collection[str], kept: Collection[str]) -> None:
    """Raise DeployError if a release knows but one value of a secret of which two are needed now."""
    blind = [key for key in doubled if secret_variable(rotation.other_key(key)) not in release.variables]
    if lost := [key for key in blind if key in kept]:
        raise DeployError(
            f"Release {release.identity} knows but one {', '.join(lost)}, and two are kept: it would take "
            "whoever has not voted since the change for somebody else, and would count them twice. "
            "Nothing was changed.",
            "Go back to a later release (`python3 deploy.py releases` names them), or mend this one.",
        )
    if blind:
        raise DeployError(
            f"The change of {', '.join(blind)} is under way, and release {release.identity} knows but one "
            "value of it. Nothing was changed.",
            f"Finish it first: `{rotation.ROTATE} {' '.join(blind)}`.",
        )


def require_newest(on: Site, seen: Deployment) -> None:
    """Raise DeployError if another verb has deployed since what is wanted was decided."""
    if on.last and on.last.number != seen.number:
        raise DeployError(
            f"{on.last.by} has deployed number {on.last.number} since ({on.last.verb}). Nothing was changed.",
            "Look at `python3 deploy.py releases`, and run this again if it is still what you want.",
        )


def rollback(on: Site) -> None:
    """Deploy a former release, with today's secrets and options; if that fails, what ran comes back."""
    started = time.monotonic()
    busy = operation.run(ROLLBACK, on, WayBack())
    identity = on.require_wanted().identity
    if busy:
        on.progress.say(f"The stack runs release {identity} ({time.monotonic() - started:.0f} s).")
        on.progress.say("  The next `up` deploys the source of its checkout again.")
        summary.say(on)
    else:
        on.progress.say(f"Nothing to do: the stack runs release {identity}.")


def _chosen(seen: Site, wanted: str) -> Deployment:
    kept = seen.deployments
    if found := history.chosen(kept, wanted, set(seen.handed.values())):
        return found
    numbers = ", ".join(f"{d.number} ({d.release.identity})" for d in kept)
    raise DeployError(
        f"There is no release {wanted} to go back to." if wanted else "There is no release before this one.",
        f"Kept are: {numbers}." if numbers else "`up` keeps each release that it deployed and found good.",
    )


def _available(site: Site, image: str) -> bool:
    """Whether every node can get an image: of the registry, or this node alone, which has it."""
    pulled = "@" in image and registry.holds(site.engine, image)
    return pulled or (len(site.nodes) == 1 and images.exists(site.engine, image))
