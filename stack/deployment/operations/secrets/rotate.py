"""`deploy.py secrets rotate`: a new value of a secret everywhere, while votes come in."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from deployment.configuration.settings import Settings
from deployment.engine.secrets import credentials, kits, versions
from deployment.errors import DeployError
from deployment.operations.release.recorded import recorded
from deployment.operations.rollback import require_newest
from deployment.operations.runner import operation
from deployment.operations.runner.operation import Check, Step
from deployment.operations.runner.site import Site
from deployment.operations.steps.checks import Deployed
from deployment.operations.steps.health import Health
from deployment.operations.steps.record import Record, unneeded
from deployment.operations.steps.rollout import DataNodes, Deploy
from deployment.plan.release import rotation, secret_kinds
from deployment.plan.release.release import Release, secret_variable
from deployment.plan.release.rotation import ROLLOUTS, ROTATABLE, Stage
from deployment.progress import Progress

MORE = "docs/secrets.md says what somebody can do with it."
MEANING = {
    Stage.ACCEPTED: "let the new one be good beside the old one",
    Stage.SENT: "let the new one be sent",
    Stage.ALONE: "let the old one be refused",
}


@dataclass(frozen=True)
class Known(Check):
    """The release that runs is the last good one, and can take two of each secret."""

    keys: Collection[str]

    def require(self, site: Site) -> None:
        """Raise DeployError if it cannot, or if what runs is another release."""
        release = site.require_wanted()
        images = {name: service["image"] for name, service in release.services.items()}
        # Back to the last good release is more than a rollout: entries that its workers cannot read may wait.
        if others := [name for name, runs in sorted(site.services.items()) if runs.image != images.get(name)]:
            raise DeployError(
                f"Of {', '.join(others)} another image runs than that of the last good release: an `up` or "
                "`rollback` was not finished. Nothing was changed.",
                "Run `up` or `rollback` first.",
            )
        known = release.variables
        if any(secret_variable(rotation.other_key(key)) not in known for key in self.keys):
            raise DeployError(
                "The release that runs is one of before: its services know but one value of a secret. "
                "Nothing was changed.",
                "Run `up` first.",
            )


@dataclass(frozen=True)
class Remembered(Check):
    """Nobody's vote counts twice because of this change: what knows them again is good after it, too.

    `forget_since` is the time (RFC 3339, UTC, to the second) of the change whose value before may be lost. It
    is no mere yes: where that change is over, the same command again would forget whom nobody meant.
    """

    keys: Collection[str]
    forget_since: str

    def require(self, site: Site) -> None:
        """Raise DeployError if the value before today's is still kept, and would be kept no more."""
        since = {key: f"{site.versions[key][-1].created[:19]}Z" for key in rotation.kept(site.versions)}
        lost = [key for key in since if key in self.keys and since[key] != self.forget_since]
        if lost:
            raise DeployError(
                f"{lost[0]} was changed on {since[lost[0]][:10]}, and that change is over. The key before it "
                "is kept, for voters who have not voted since. Another change would forget them: their next "
                "vote would count beside the earlier one. Nothing was changed.",
                "If this is the change that you mean, nothing is left to do. To change it once more, wait "
                "until those voters may be forgotten (docs/secrets.md), then add --forget-voters "
                f"{since[lost[0]]}.",
            )


@dataclass(frozen=True)
class Begin:
    """A new version of each secret is there; none whose change is under way gets another."""

    keys: Collection[str]
    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name those that are to be made."""
        fresh = self._fresh(site)
        return [f"create a new version of {', '.join(fresh)}"] if fresh else []

    def do(self, site: Site) -> None:
        """Make them; from now on what is wanted is another release."""
        credentials.begin(site.engine, self._fresh(site))
        site.frozen = None

    def _fresh(self, site: Site) -> list[str]:
        found = site.stages
        return [key for key in self.keys if found.get(key, Stage.SETTLED) in rotation.DONE]


@dataclass(frozen=True)
class Advance:
    """Each secret has come to a stage, or beyond; the rollout of the stage before is over."""

    keys: Collection[str]
    stage: Stage
    touches = False

    def missing(self, site: Site) -> list[str]:
        """Say whom that replaces."""
        coming = self._coming(site)
        return [f"{MEANING[self.stage]}: {', '.join(coming)} ({self._cost(site, coming)})"] if coming else []

    def do(self, site: Site) -> None:
        """Say so in the Swarm; the steps after this one do it."""
        versions.advance(site.engine, self._coming(site), self.stage)
        site.frozen = None

    def _coming(self, site: Site) -> list[str]:
        found = site.stages
        return [key for key in self.keys if rotation.ahead(key, found.get(key, ""), self.stage)]

    def _cost(self, site: Site, coming: Collection[str]) -> str:
        mounts = {name: set(service["secrets"]) for name, service in site.require_wanted().services.items()}
        names = {name for key in coming for name in rotation.rolled(key, self.stage, mounts)}
        return f"replaces {', '.join(sorted(names))}"


@dataclass(frozen=True)
class Settle:
    """No change of these secrets is under way any more."""

    keys: Collection[str]
    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name those whose change is to be ended."""
        left = [key for key in rotation.underway(site.stages) if key in self.keys]
        return [f"end the change of {', '.join(left)}"] if left else []

    def do(self, site: Site) -> None:
        """Say so in the Swarm."""
        for end in rotation.DONE:
            versions.advance(site.engine, [key for key in self.keys if rotation.end(key) is end], end)


class Remove:
    """No secret is left that nobody uses and that has a newer version."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Name those that are left."""
        names = [str(item.name) for item in unneeded(site)]
        return [f"remove secrets that nothing needs: {', '.join(names)}"] if names else []

    def do(self, site: Site) -> None:
        """Remove them."""
        credentials.remove(unneeded(site))


def steps(keys: Collection[str], forget_since: str = "") -> Sequence[Step]:
    """Return what a change of these secrets takes; one that was interrupted goes on from where it was.

    That it is over is said last: until then the same command goes on with it.
    """
    found: list[Step] = [Deployed(), Known(keys), Remembered(keys, forget_since), Health(), Begin(keys)]
    for stage in ROLLOUTS:
        found += [Advance(keys, stage), DataNodes(), Deploy(), Health()]
    return [*found, Record(), Remove(), Settle(keys)]


def chosen(names: Sequence[str], stages: Mapping[str, str], *, everything: bool) -> list[str]:
    """Return the secrets to change: those that are meant, and those whose change was begun before.

    Raises DeployError naming one that cannot be changed so.
    """
    if everything == bool(names):
        raise DeployError("It is not said which secret.", "Name one or several, or give --all.")
    for name in names:
        if name not in secret_kinds.PURPOSES:
            raise DeployError(f"There is no secret {name}.", "`secrets list` shows all.")
        if name not in ROTATABLE:
            raise DeployError(
                f"{name} is not changed by this command{_because(name)}. Nothing was changed.",
                f"Change {secret_kinds.way(name)}." if secret_kinds.way(name) else MORE,
            )
    meant = set(ROTATABLE) - set(rotation.BY_NAME_ALONE) if everything else set(names)
    return [key for key in ROTATABLE if key in {*meant, *rotation.underway(stages)}]


def _because(name: str) -> str:
    reason = secret_kinds.FIXED.get(name)
    return f": {reason}" if reason else ""


def site(settings: Settings, progress: Progress, words: Sequence[str]) -> Site:
    """Return what `rotate` works on, called with these words; raise DeployError where no release is kept."""
    client, last = recorded(settings, progress)

    def goal(on: Site) -> Release:
        require_newest(on, last)
        return last.release.renewed(on.secrets, last.release.variables)

    return Site(
        settings, progress, client, goal, verb=" ".join(("secrets rotate", *words)), names=last.release.hosts,
        source=last.source, scaled=last.scaled,
    )  # fmt: skip


def rotate(on: Site, keys: Sequence[str], forget_since: str = "") -> None:
    """Change secrets everywhere; where it is interrupted, the next time goes on from there."""
    started = time.monotonic()
    operation.run(steps(keys, forget_since), on)
    on.progress.say(f"Changed: {', '.join(keys)} ({time.monotonic() - started:.0f} s).")
    for line in kits.due(on.engine, on.require_wanted()):
        on.progress.say(f"  Warning: {line}")
