"""What runs is what is wanted: data nodes one at a time, then the proxies, then everything else."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from deployment.engine import observer
from deployment.engine.swarm import nodes, services, stack
from deployment.errors import DeployError
from deployment.operations.runner.site import Site
from deployment.operations.steps import convergence
from deployment.plan.cluster import rollout
from deployment.plan.cluster.rollout import STEP_SECONDS, View
from deployment.plan.cluster.topology import CLUSTERS, OBSERVER, PROXIES, cluster_of, one_at_a_time, served_by
from deployment.plan.release import drift, inside, release
from deployment.plan.release.history import Deployment
from deployment.progress import Progress, Task

# An election that is under way is over by then, and an observer that was just started has answered.
ELECTION_SECONDS = 30
OBSERVER_SECONDS = 60
POLL_SECONDS = 1.0
UNKNOWN = "deploy the stack, data nodes that run one at a time, and wait until it is healthy"


class DataNodes:
    """Data nodes and proxies of a stack that runs have the wanted release, and both clusters are whole."""

    touches = True

    def missing(self, site: Site) -> list[str]:
        """Say how each that is another differs."""
        if site.wanted is None or not site.handed:
            return []  # the next step says all
        return [f"{line} (one at a time)" for line in release.told(self._different(site))]

    def do(self, site: Site) -> None:
        """Update them, each back before the next; what cannot be is left to the next step."""
        site.left = frozenset(update(SwarmStack(site), site.progress, self._different(site), site.careful))

    def _different(self, site: Site) -> dict[str, str]:
        return {n: line for n, line in differences(site).items() if _by_itself(site, n)}


class Deploy:
    """Every service runs the wanted release, and there is no other service."""

    touches = True

    def missing(self, site: Site) -> list[str]:
        """Say how each that is another differs."""
        if site.wanted is None:
            return [UNKNOWN]
        if not site.handed:
            return [f"deploy release {site.wanted.identity}: {len(site.wanted.services)} services"]
        found = differences(site).items()
        lines = release.told({n: line for n, line in found if not _by_itself(site, n)})
        if not lines and any(identity != site.wanted.identity for identity in site.handed.values()):
            lines = [f"mark every service with release {site.wanted.identity}; no container is replaced"]
        return lines

    def do(self, site: Site) -> None:
        """Hand the release to Swarm, which takes back what fails, and wait."""
        wanted = site.require_wanted()
        with site.progress.task(f"Deploying release {wanted.identity}"):
            stack.deploy(wanted, registry_auth=wanted.pulled)
        convergence.wait(site)


def _by_itself(site: Site, name: str) -> bool:
    """Whether a service is updated before the rest; one that goes, goes with the rest."""
    wanted = site.require_wanted()
    if served_by(name) == "redis" and inside.turned(wanted, site.servers("redis")):
        return False  # its nodes could not talk to each other
    return one_at_a_time(name) and name in wanted.services and name not in site.left


def differences(site: Site) -> dict[str, str]:
    """Say of each service that is not what is wanted how it differs, by name."""
    wanted = site.require_wanted()
    known = {deployment.release.identity: deployment for deployment in site.deployments}
    lines = {name: _difference(site, name, known) for name in sorted({*wanted.services, *site.handed})}
    return {name: line for name, line in lines.items() if line}


def _difference(site: Site, name: str, known: Mapping[str, Deployment]) -> str:
    """Say how a service differs from what is wanted: by its release, or because somebody changed it."""
    wanted, runs = site.require_wanted(), site.handed.get(name)
    if runs is None or name not in wanted.services:
        return "add" if runs is None else "remove"
    deployed, running = known.get(runs), site.services[name]
    if deployed is None and runs != wanted.identity:
        return "change: it runs a release that is not known here"
    if deployed is None:
        return drift.restored(drift.contrary(wanted.services[name], running))
    by_hand = drift.restored(drift.difference(deployed.services.get(name), running))
    return release.changes(deployed.release, wanted).get(name, "") or by_hand


class Stack(Protocol):
    """A stack that runs, and what the update does to it."""

    def look(self) -> View:
        """Return what the stack is like now."""

    def deploy(self, name: str) -> bool:
        """Bring one service to the wanted release; say whether its tasks are replaced for that."""

    def last_words(self, name: str) -> list[str]:
        """Return the last lines of a service's log, and why its tasks ended."""


@dataclass(frozen=True)
class SwarmStack:
    """The stack of a Swarm on its way to the release that a site wants."""

    site: Site

    def look(self) -> View:
        """Return what the stack is like now."""
        client = self.site.engine
        states = services.states(client, since=self.site.since)
        return View(nodes.observe(client), states, observer.observe(client))

    def deploy(self, name: str) -> bool:
        """Bring one service to the wanted release; say whether its tasks are replaced for that."""
        self.site.turn()
        wanted = self.site.require_wanted()
        return stack.deploy_service(self.site.engine, wanted, name, registry_auth=wanted.pulled)

    def last_words(self, name: str) -> list[str]:
        """Return the last lines of a service's log, and why its tasks ended."""
        return services.last_words(self.site.engine, name, self.site.since)


def update(stack: Stack, progress: Progress, names: Collection[str], careful: bool = False) -> set[str]:
    """Bring those of a running stack's data nodes and proxies to a release, one at a time, proxies last.

    Return the data nodes that cannot be updated so, because their machine is away or their cluster has no
    primary: they are left to the deployment of everything. Raises DeployError, with the rest left at the
    release before, if one does not come back, if nobody can say how the clusters are or, where that is to be
    `careful`, if a peer of one that is to be restarted is away.
    """
    view = _in_sight(stack, progress)
    _warn(view, progress)
    tolerated, done = view.absent(), set[str]()
    while left := [name for name in rollout.order(view) if name in names and name not in done]:
        name = left[0]
        if careful and (away := rollout.peers_away(view, name)):
            raise _too_few(stack, name, away)
        replaced = stack.deploy(name)
        done.add(name)
        tolerated = (tolerated & view.absent()) - {name}
        view = stack.look()
        if replaced or view.absent() - tolerated:
            with progress.task(f"Updating {name}") as task:
                view = _until_back(stack, progress, task, name, tolerated)
    for name in (proxy for proxy in PROXIES if proxy in names and view.services):
        if stack.deploy(name):
            with progress.task(f"Updating {name}") as task:
                _until_running(stack, progress, task, name)
    return {name for name in names if cluster_of(name)} - done


def _in_sight(stack: Stack, progress: Progress) -> View:
    """Look until the observer answers and elections are over; raise DeployError if it never answers."""
    view = stack.look()
    if view.services and view.blind:
        with progress.task("Asking the observer how both clusters are") as task:
            stack.deploy(OBSERVER)  # The release may mend the very reason for its silence.
            while (view := stack.look()).blind:
                if task.seconds > OBSERVER_SECONDS:
                    raise _out_of_sight(stack)
                time.sleep(POLL_SECONDS)
    if view.services and view.picture.headless:
        with progress.task("Waiting for the primaries of both clusters") as task:
            while view.picture.headless and task.seconds < ELECTION_SECONDS:
                time.sleep(POLL_SECONDS)
                view = stack.look()
    return view


def _warn(view: View, progress: Progress) -> None:
    """Say what the update will cost because something is away already."""
    if not view.services:
        return
    if headless := view.picture.headless:
        names = " and ".join(CLUSTERS[cluster] for cluster in headless)
        progress.say(f"  No primary of {names} is known: its nodes are updated all at once")
    if away := view.out_of_reach():
        progress.say(
            f"  Out of reach: {', '.join(sorted(away))}. While their peers restart, a cluster may be without "
            "a majority: votes are refused then, none is lost."
        )


def _until_back(stack: Stack, progress: Progress, task: Task, name: str, tolerated: Collection[str]) -> View:
    """Wait until a data node runs and both clusters lack nothing but what is tolerated."""
    outdated, second_try = None, convergence.SecondTry(stack.deploy, progress)
    while True:
        view = stack.look()
        absent = view.absent() - set(tolerated)
        if rollout.back(view, absent, outdated):
            return view
        if name in absent:
            outdated = view.picture.at
        lacking = [state for state in view.services if state.name in absent]
        if second_try.given(lacking):
            continue
        if reason := rollout.given_up(view, absent, task.seconds):
            raise _stopped(stack, name, reason)
        task.detail(f"missing: {', '.join(sorted(absent)) or 'a new picture'}")
        time.sleep(POLL_SECONDS)


def _until_running(stack: Stack, progress: Progress, task: Task, name: str) -> None:
    """Wait until a proxy runs the release on every node that it belongs to."""
    second_try = convergence.SecondTry(stack.deploy, progress)
    while not (state := next(s for s in stack.look().services if s.name == name)).converged:
        if second_try.given([state]):
            continue
        if state.failure or task.seconds > STEP_SECONDS:
            raise _stopped(stack, name, state.failure or f"not running after {task.seconds:.0f} s")
        task.detail(f"waiting for {state.running}/{state.desired}")
        time.sleep(POLL_SECONDS)


def _stopped(stack: Stack, name: str, reason: str) -> DeployError:
    return DeployError(
        f"The update stopped at {name}: {reason}",
        "Its last words are above. Mend the cause, then run the same command again.",
        stack.last_words(name),
    )


def _too_few(stack: Stack, name: str, away: Collection[str]) -> DeployError:
    return DeployError(
        f"{name} was not restarted: {', '.join(sorted(away))} of its cluster is away, and without both "
        "no vote could be taken or stored.",
        "Bring that back first (`python3 deploy.py status` shows it), then run `rollback`.",
        stack.last_words(name),
    )


def _out_of_sight(stack: Stack) -> DeployError:
    return DeployError(
        "Nobody here can say how both clusters are, so no data node can be updated safely.",
        "This node's observer does not answer. Is the node drained? Then run `up` on another manager. "
        f"The observer's last words are above; more: python3 deploy.py logs {OBSERVER}.",
        stack.last_words(OBSERVER),
    )
