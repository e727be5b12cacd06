"""`deploy.py up`: look, plan, carry out, wait, and say what there is now."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import docker

from deployment import (
    acme,
    advertise,
    base,
    convergence,
    credentials,
    engine,
    host,
    images,
    networks,
    nodes,
    options,
    packages,
    plan,
    record,
    registry,
    release,
    rollout,
    status,
    swarm,
    weaknesses,
)
from deployment import refresh as refreshing
from deployment.layout import ROOT, STACK
from deployment.options import Change, Options
from deployment.pages import Site
from deployment.plan import Observed, Plan
from deployment.progress import Progress
from deployment.registry import Digests
from deployment.release import Release
from deployment.rollout import SwarmStack
from deployment.settings import Settings
from deployment.swarm import Membership

CONVERGENCE_TIMEOUT_SECONDS = 600
CLUSTER_TIMEOUT_SECONDS = 300
UNSEEN = "The engine stands still, so what it holds could not be looked at: less may be to do."


def up(
    settings: Settings,
    progress: Progress,
    *,
    install_engine: bool,
    dry_run: bool,
    refresh: bool = False,
    change_options: Change | None = None,
) -> None:
    """Bring the whole stack up, or print what that would do; `refresh` rebuilds on today's packages first.

    `change_options` says what becomes of options that have votes and are no longer wanted.
    Raises DeployError before anything is changed if the machine or the settings do not allow it.
    """
    started, since = time.monotonic(), _now()
    images.require_sound_sources()
    client = _engine(progress, install=install_engine, start=not dry_run)
    observed, bases = observe(client, settings)
    labelled = nodes.labelled(observed.swarm, nodes.spread(observed.swarm))
    swarm.require_usable(labelled)
    swarm.require_way_for_images(observed.swarm, settings.registry)
    networks.check(client, settings)
    for line in advertise.said(client, settings.advertise_addr):
        progress.say(f"  {line}")
    if client:
        credentials.check_volumes(client, observed.secrets)
    host.check(_host(client), _ports(client, settings), fresh=refresh or not observed.bases)
    decided, changes = _options(client, settings, observed, change_options)
    settings = settings.model_copy(update={"vote_option_keys": ",".join(decided.offered)})
    if refresh and client and bases and not dry_run:
        refreshing.refresh(client, bases, progress)
        observed, bases = observe(client, settings)
    intended = _plan(client, settings, observed, bases, changes)
    warnings = weaknesses.of(labelled)
    if dry_run:
        if refresh:
            print("would build every image on today's packages, and change nothing where they are the same")
        _print(intended, warnings if client or not engine.installed() else [UNSEEN, *warnings])
        return
    if intended.empty and client:
        _wait(client, settings, progress, since)
        progress.say(f"Nothing to do: the stack runs as wanted ({time.monotonic() - started:.1f} s).")
    else:
        client = _carry_out(client, settings, intended, decided, progress, since)
        progress.say(f"The stack is up ({time.monotonic() - started:.0f} s).")
    warnings += weaknesses.crowded(nodes.observe(client), convergence.placements(client))
    for warning in [*warnings, *networks.warnings(client)]:
        progress.say(f"  Warning: {warning}")
    _summary(client, settings, progress)


def _engine(progress: Progress, *, install: bool, start: bool) -> docker.DockerClient | None:
    """Return the engine; None if it is still to be installed. One that stands still is started to be seen."""
    client = engine.connect()
    if client:
        engine.require_command(client)
    if client is None and not install:
        engine.require()
    if client is None and start and engine.installed():
        return engine.install(progress)
    return client


def observe(client: docker.DockerClient | None, settings: Settings) -> tuple[Observed, base.Bases | None]:
    """Look at the engine and its Swarm; raise DeployError if this node cannot deploy."""
    if client is None:
        return Observed(engine=False), None
    member = swarm.membership(client)
    swarm.require_manager(member)
    bases = base.present(client)
    managed = member is Membership.MANAGER
    recorded = record.newest(client) if managed else None
    observed = Observed(
        engine=True,
        membership=member,
        bases=bases is not None,
        images=registry.observe(client),
        secrets=credentials.observe(client, settings.hosts) if managed else {},
        nodes=nodes.observe(client) if managed else (),
        release=recorded.release if recorded else None,
        changed=tuple(record.changes(client, recorded).values()) if managed else (),
        options=options.recorded(client) if managed else None,
    )
    return observed, bases


def _options(
    client: docker.DockerClient | None, settings: Settings, observed: Observed, agreed: Change | None
) -> tuple[Options, tuple[str, ...]]:
    """Decide which key each option has; return that, and what changes by it for who votes."""
    inside = status.observe(client) if client and observed.options else status.UNKNOWN
    tally, queued = options.tally_of(inside), inside["queue"]["pending"] != 0
    decided = options.decide(observed.options, settings.option_names, tally, agreed, queued=queued)
    return decided, options.changes(observed.options, decided, tally)


def _plan(
    client: docker.DockerClient | None,
    settings: Settings,
    observed: Observed,
    bases: base.Bases | None,
    changes: tuple[str, ...],
) -> Plan:
    if not client or not bases:
        return plan.make(observed, None, None, ("all",) if settings.registry else (), changes)
    wanted = base.references(client, bases)
    absent = [image for image in wanted.values() if image not in observed.images]
    observed = replace(
        observed, images={**observed.images, **registry.offered(client, absent, settings.registry)}
    )
    deployed = registry.held(client, base.named(wanted), observed.images, settings.registry)
    unpushed = tuple(name for name, image in deployed.items() if image is None)
    identity = None
    if not unpushed and not credentials.missing(observed.secrets):
        identity = _release(settings, deployed, observed.secrets).identity
    return plan.make(observed, wanted, identity, unpushed, changes)


def _release(settings: Settings, deployed: Mapping[str, str | None], secrets: Mapping[str, str]) -> Release:
    variables = settings.variables() | release.config_hashes()
    variables |= {images.variable(name): image for name, image in deployed.items() if image}
    variables |= {f"{key.upper()}_SECRET": name for key, name in secrets.items()}
    variables |= release.acme_authority(settings)
    if settings.network_subnets:
        variables |= networks.carve(settings.network_subnets)
    return Release(variables, release.overlays(settings))


def _carry_out(
    client: docker.DockerClient | None,
    settings: Settings,
    intended: Plan,
    decided: Options,
    progress: Progress,
    since: str,
) -> docker.DockerClient:
    client = client or engine.install(progress)
    bases = base.provide(client, progress)
    references = base.references(client, bases)
    absent = [image for image in references.values() if not images.exists(client, image)]
    offered = registry.offered(client, absent, settings.registry)
    for component, image in references.items():
        if image in absent and image not in offered:
            with progress.task(f"Building {image}") as task:
                images.build(client, component.context, image, bases.of(component), task)
    run = base.named(references)
    deployed = _provide_to_nodes(client, run, offered, settings.registry, progress)
    if intended.initialise_swarm:
        with progress.task("Initialising a Swarm of this one node"):
            swarm.initialise(client, settings.advertise_addr)
    nodes.add_labels(client, nodes.spread(nodes.observe(client)))
    secrets = credentials.observe(client, settings.hosts)
    secrets |= credentials.create(client, credentials.missing(secrets), settings.hosts)
    options.record(client, decided)
    wanted = _release(settings, deployed, secrets)
    packages.record(client, packages.as_of(client, bases.debian))
    _roll_out(client, wanted, progress, registry_auth=bool(settings.registry))
    record.write(client, wanted.identity, _site(client, settings))
    _wait(client, settings, progress, since)
    credentials.remove_unused(client, keep=set(secrets.values()))
    images.remove_unused(client, keep={*run.values(), *(image for image in deployed.values() if image)})
    return client


def _provide_to_nodes(
    client: docker.DockerClient, run: Mapping[str, str], offered: Digests, prefix: str, progress: Progress
) -> dict[str, str | None]:
    """Push what a registry is still to get; return the names that the nodes get the images by."""
    deployed = registry.held(client, run, {**registry.observe(client), **offered}, prefix)
    for name, image in deployed.items():
        if image is None:
            with progress.task(f"Pushing {registry.remote(run[name], prefix)}") as task:
                deployed[name] = registry.push(client, run[name], prefix, task)
    return deployed


def _roll_out(
    client: docker.DockerClient, wanted: Release, progress: Progress, *, registry_auth: bool
) -> None:
    rollout.update(SwarmStack(client, wanted, _now(), registry_auth), progress)
    with progress.task(f"Deploying release {wanted.identity}"):
        wanted.deploy(registry_auth=registry_auth)


def _wait(client: docker.DockerClient, settings: Settings, progress: Progress, since: str) -> None:
    """Return when every task runs, every edge has its certificates, and all is at full strength."""
    convergence.wait(client, progress, since=since, timeout=CONVERGENCE_TIMEOUT_SECONDS)
    acme.wait_for_certificates(client, _site(client, settings), progress, since=since)
    status.wait_healthy(client, progress, CLUSTER_TIMEOUT_SECONDS)


def _site(client: docker.DockerClient, settings: Settings) -> Site:
    """Return what visitors reach the pages by."""
    file = settings.acme_ca_file
    authorities = Path(file).read_text() if file else credentials.authority(client, settings.hosts)
    return Site(settings.urls, settings.https_port, settings.local, authorities)


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _host(client: docker.DockerClient | None) -> host.Host:
    """Look at the machine that the engine is on."""
    if client and not engine.is_local(client):
        return host.of_engine(client.info())
    root = str(client.info()["DockerRootDir"]) if client else "/var"
    return host.observe(root if Path(root).exists() else "/")


def _ports(client: docker.DockerClient | None, settings: Settings) -> dict[str, int]:
    """Return the ports that must be free, by variable: none of those that our own edge holds."""
    wanted = {"HTTP_PORT": settings.http_port, "HTTPS_PORT": settings.https_port}
    held = swarm.published_ports(client, f"{STACK}_traefik") if client else set()
    return {variable: port for variable, port in wanted.items() if port not in held}


def _print(intended: Plan, warnings: list[str]) -> None:
    lines = intended.lines()
    print("\n".join(f"would {line}" for line in lines) or "Nothing to do: the stack runs as wanted.")
    for warning in warnings:
        print(f"Warning: {warning}")


def _summary(client: docker.DockerClient, settings: Settings, progress: Progress) -> None:
    progress.say(f"""
  Vote     {settings.urls["vote"]}
  Results  {settings.urls["result"]}
""")
    if settings.local:
        file = credentials.authority_file(client)
        credentials.save_authority(client, settings.hosts, file)
        path = file.relative_to(ROOT)
        progress.say(f"""  Browsers warn until they trust this machine's own certificate authority, {path}:
    import it into the browser, or on Debian
    sudo cp {path} /usr/local/share/ca-certificates/{STACK}.crt && sudo update-ca-certificates
""")
    progress.say("""  Look further
    python3 deploy.py status           services, both clusters, queue, votes
    python3 deploy.py logs vote        a service's log
    docker stack services vote-app     what Swarm says
    python3 deploy.py test             prove it: the tests""")
