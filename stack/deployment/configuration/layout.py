"""Where things are in the checkout, and the names that the stack gives them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STACK_FILE = ROOT / "stack" / "docker-stack.yaml"
OVERLAYS = ROOT / "stack" / "overlays"
RULE_FILES = ROOT / "stack" / "monitoring" / "prometheus" / "rules"
# The overlay by which a release is known to be watched.
MONITORING = "monitoring.yaml"
ENV_FILE = ROOT / "stack" / ".env"
# Where a recovery kit puts the files that its settings name.
GIVEN = ROOT / "stack" / "given"
LOCAL_CA_FILE = ROOT / "stack" / "local-ca.crt"
COMPOSE_FILE = ROOT / "compose.yaml"

STACK = "vote-app"
# Swarm asks the registry in an image's name for it before it starts a task, also if the image is here. Nobody
# answers at this one. That of a name without a host is public: there anybody could.
NO_REGISTRY = "localhost:1"
# The project of the compose file, as Compose knows it.
LOCAL = "vote-app-local"
# What `docker stack deploy` puts on everything that it makes.
NAMESPACE_LABEL = "com.docker.stack.namespace"
NAMESPACE = f"{NAMESPACE_LABEL}={STACK}"
# What the stack file puts on every service: the identity of the release that it was handed with.
RELEASE_LABEL = "vote-app.release"
SECRET_LABEL = "vote-app.secret"
EDGE_LABEL = "vote-app.edge"
SLOT_LABELS = ("vote-app.slot-1", "vote-app.slot-2", "vote-app.slot-3")
NODE_LABELS = (EDGE_LABEL, *SLOT_LABELS)
