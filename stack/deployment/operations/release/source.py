"""The release that this checkout makes with these settings."""

import hashlib
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from deployment.configuration import overlays
from deployment.configuration.layout import ROOT, RULE_FILES, STACK_FILE
from deployment.configuration.settings import Settings
from deployment.engine.images import base, images, registry
from deployment.engine.images.images import Component
from deployment.operations.runner.site import Site
from deployment.plan import alerting
from deployment.plan.release import bucket, inside, options, rules
from deployment.plan.release.entrance import ACME_AUTHORITY
from deployment.plan.release.options import Options
from deployment.plan.release.release import Release, secret_variable
from deployment.plan.swarm import networks

# What the stack file mounts as Swarm configs, and the variable that gives each a new name when it changes.
CONFIGS = {
    "TRAEFIK_CONFIG_HASH": "traefik/traefik.yaml",
    "TRAEFIK_DYNAMIC_CONFIG_HASH": "traefik/dynamic.yaml",
}
RULES = "stack/monitoring/prometheus/rules.yaml"
RECEIVERS = "stack/monitoring/alertmanager/alertmanager.yml"
MONITORING_CONFIGS = {
    "PROMETHEUS_CONFIG_HASH": "stack/monitoring/prometheus/prometheus.yml",
    "PROMETHEUS_RULES_HASH": RULES,
    "ALERTMANAGER_CONFIG_HASH": RECEIVERS,
}
GRAFANA = "stack/monitoring/grafana"
GRAFANA_CONFIGS = {
    "GRAFANA_CONFIG_HASH": f"{GRAFANA}/grafana.ini",
    "GRAFANA_DATASOURCES_HASH": f"{GRAFANA}/datasources.yaml",
    "GRAFANA_PROVIDER_HASH": f"{GRAFANA}/provider.yaml",
    "GRAFANA_VOTE_HASH": f"{GRAFANA}/dashboards/vote.json",
    "GRAFANA_DATA_TIER_HASH": f"{GRAFANA}/dashboards/data-tier.json",
    "GRAFANA_PLATFORM_HASH": f"{GRAFANA}/dashboards/platform.json",
}


def unbuilt(site: Site) -> dict[Component, str]:
    """Return the images that are neither here nor in the registry."""
    return {component: image for component, image in site.references.items() if image not in site.available}


def deployed(site: Site) -> dict[str, str | None]:
    """Return the names that the nodes get the images by; None is one that the registry is still to get."""
    if site.settings.images:
        return {**site.published}
    wanted = base.named(site.references)
    return registry.held(site.engine, wanted, site.available, site.settings.registry) if wanted else {}


def decided_options(site: Site) -> Options:
    """Decide which key each option has; raise as `options.decide` does."""
    votes, queue = site.picture.votes, site.picture.queue
    tally, queued = options.tally_of(votes), queue.pending != 0
    return options.decide(site.options, site.settings.option_names, tally, site.change_options, queued=queued)


def release(site: Site) -> Release | None:
    """Return the release; None while an image or a secret is missing."""
    names = deployed(site)
    if not names or None in names.values() or site.secrets_missing or unbuilt(site):
        return None
    keys = ",".join(decided_options(site).offered)
    images_there = {name: image for name, image in names.items() if image}
    site.scaled = scaled(site)
    whole = made(images_there, site.chosen, site.secrets, keys)
    queue = inside.queue(site.settings.redis_tls, site.servers("redis"))
    return whole.scaled(site.scaled).having({inside.QUEUE: queue})


def scaled(site: Site) -> dict[str, int]:
    """Return the replicas that `scale` chose and that no setting overrules, by their variable."""
    chosen = site.last.scaled if site.last else {}
    given = {name.upper() for name in site.settings.model_fields_set}
    return {name: replicas for name, replicas in chosen.items() if name not in given}


def made(
    names: Mapping[str, str], settings: Settings, secrets: Mapping[str, str], option_keys: str
) -> Release:
    """Put a release together: files of the checkout, and variables from everything else."""
    files, variables = _files(settings), settings.variables() | {"VOTE_OPTION_KEYS": option_keys}
    variables |= {variable: _hash(files[path]) for variable, path in _configs(settings).items()}
    variables |= {images.variable(name): image for name, image in names.items()}
    if settings.network_subnets:
        variables |= networks.carve(settings.network_subnets)
    if settings.acme_ca_file:
        variables |= {"ACME_CA_FILE": Path(ACME_AUTHORITY).name, "ACME_CA_HASH": _hash(files[ACME_AUTHORITY])}
    if settings.backup_s3_ca_file:
        variables |= {"BACKUP_S3_CA_FILE": Path(bucket.AUTHORITY).name}
        variables |= {"BACKUP_S3_CA_HASH": _hash(files[bucket.AUTHORITY])}
    stack = [path.relative_to(ROOT).as_posix() for path in (STACK_FILE, *overlays.chosen(settings))]
    variables |= _secrets(secrets, "".join(files[path] for path in stack))
    return Release(tuple(stack), files, variables)


def _secrets(names: Mapping[str, str], text: str) -> dict[str, str]:
    """Return the variables of those secrets that a stack file mentions: others belong to former releases."""
    variables = {secret_variable(key): name for key, name in names.items()}
    return {variable: name for variable, name in variables.items() if f"{{{variable}:" in text}


def _configs(settings: Settings) -> dict[str, str]:
    watched = MONITORING_CONFIGS if settings.monitoring else {}
    return CONFIGS | watched | (GRAFANA_CONFIGS if settings.dashboards else {})


def _files(settings: Settings) -> dict[str, str]:
    configs = [ROOT / path for path in _configs(settings).values() if path != RULES]
    paths = [STACK_FILE, *overlays.chosen(settings), *configs]
    files = {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}
    if settings.monitoring:
        files[RULES] = rules.joined([path.read_text() for path in sorted(RULE_FILES.glob("*.yaml"))])
        files[RECEIVERS] = alerting.alertmanager_config(settings)
    if settings.acme_ca_file:
        files[ACME_AUTHORITY] = Path(settings.acme_ca_file).read_text()
    if settings.backup_s3_ca_file:
        files[bucket.AUTHORITY] = Path(settings.backup_s3_ca_file).read_text()
    return files


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def revision() -> str:
    """Return the checkout's git revision, and whether the tree had other changes; what it is without git."""
    head = _git("rev-parse", "--short=12", "HEAD")
    if not head:
        return "not a git checkout"
    return f"{head} with changes" if _git("status", "--porcelain") else head


def _git(*arguments: str) -> str:
    try:
        # Its code runs already: a checkout that is somebody else's can be asked, too.
        mine = ("-c", f"safe.directory={ROOT}")
        done = subprocess.run(
            ["git", *mine, "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
