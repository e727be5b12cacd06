"""What the overlay says of the services of the monitoring, for plain containers that are held as tightly."""

import re
from typing import Any

import yaml

from deployment.configuration.layout import MONITORING, OVERLAYS, ROOT, RULE_FILES
from deployment.operations.release.source import MONITORING_CONFIGS
from deployment.plan.release import rules
from deployment.plan.release.release import interpolated

SERVICES: dict[str, Any] = yaml.safe_load((OVERLAYS / MONITORING).read_text())["services"]
CONDITION = re.compile(r'{{ if eq \(env "(\w+)"\) "(\w+)" }}(.*?){{ end }}')


def held(service: str) -> tuple[str, ...]:
    """Return the options of `docker run` by which a container may do as little, and take as little."""
    described = SERVICES[service]
    limits = described["deploy"]["resources"]["limits"]
    capabilities = (part for name in described["cap_drop"] for part in ("--cap-drop", name))
    scratch = (v["target"] for v in described["volumes"] if isinstance(v, dict) and v["type"] == "tmpfs")
    return (
        *(["--read-only"] if described["read_only"] else []),
        *capabilities,
        *(part for target in scratch for part in ("--tmpfs", target)),
        *("--memory", str(limits["memory"]), "--pids-limit", str(limits["pids"])),
    )


def command(service: str) -> tuple[str, ...]:
    """Return what a service is told on its command line, where no setting says otherwise."""
    return tuple(interpolated(part, {}) for part in SERVICES[service]["command"])


def configuration(*, redis_tls: bool, runbooks: str = "") -> str:
    """Return Prometheus's configuration as Swarm would give it."""
    environment = {"REDIS_TLS": "yes" if redis_tls else "no"}

    def value(found: re.Match[str]) -> str:
        return found[3] if environment[found[1]] == found[2] else ""

    text = (ROOT / MONITORING_CONFIGS["PROMETHEUS_CONFIG_HASH"]).read_text()
    return CONDITION.sub(value, text).replace('{{ env "RUNBOOKS_URL" }}', runbooks)


def all_rules() -> str:
    """Return Prometheus's rules as a release has them."""
    return rules.joined(path.read_text() for path in sorted(RULE_FILES.glob("*.yaml")))


def receivers() -> str:
    """Return Alertmanager's configuration where nobody is to be told."""
    return (ROOT / MONITORING_CONFIGS["ALERTMANAGER_CONFIG_HASH"]).read_text()
