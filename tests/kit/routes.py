"""What the stack's files tell Traefik of the pages, in either routing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployment.configuration import overlays, settings
from deployment.configuration.layout import STACK_FILE
from deployment.plan.release.release import Release

DOMAIN = "app.localhost"
PAGES = ("vote", "result")
LABEL = "traefik."
NAMED = ("ROUTING", "VOTE_HOST", "RESULT_HOST")

Tree = dict[str, Any]


@dataclass(frozen=True)
class Routes:
    """Where the pages are, by name, and what Traefik is told for that."""

    urls: dict[str, str]
    environment: Mapping[str, str]
    dynamic: Tree


def routes(routing: str, port: int) -> Routes:
    """Return the routes of a routing for visitors who come to a port."""
    chosen = settings.load(routing=routing, domain=DOMAIN, https_port=port)
    files = {path.name: path.read_text() for path in (STACK_FILE, *overlays.chosen(chosen))}
    services = Release(tuple(files), files, chosen.variables()).services
    told = services["traefik"]["environment"]
    environment = {name: str(told[name]) for name in NAMED if name in told}
    return Routes(chosen.urls, environment, _dynamic(services))


def _dynamic(services: Mapping[str, Tree]) -> Tree:
    """Return labels as a file has them; each page's one server is whatever has its name."""
    dynamic: Tree = {}
    for page in PAGES:
        for label, value in services[page]["deploy"]["labels"].items():
            if label.startswith(f"{LABEL}http."):
                _put(dynamic, label.removeprefix(LABEL).split("."), value)
        balancer = dynamic["http"]["services"][page]["loadbalancer"]
        balancer["servers"] = [{"url": f"http://{page}:{balancer.pop('server')['port']}"}]
    return dynamic


def _put(tree: Tree, path: list[str], value: str) -> None:
    *parts, last = path
    for part in parts:
        tree = tree.setdefault(part, {})
    tree[last] = value
