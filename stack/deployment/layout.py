"""Where things are in the checkout, and the names that the stack gives them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STACK_FILE = ROOT / "stack" / "docker-stack.yaml"
ENCRYPTION_FILE = ROOT / "stack" / "encrypted-networks.yaml"
PRIVATE_ACME_FILE = ROOT / "stack" / "private-acme.yaml"
SUBNETS_FILE = ROOT / "stack" / "network-subnets.yaml"
ENV_FILE = ROOT / "stack" / ".env"
LOCAL_CA_FILE = ROOT / "stack" / "local-ca.crt"

STACK = "vote-app"
# What `docker stack deploy` puts on everything that it makes.
NAMESPACE_LABEL = "com.docker.stack.namespace"
NAMESPACE = f"{NAMESPACE_LABEL}={STACK}"
RECORD_LABEL = "vote-app.record"
SECRET_LABEL = "vote-app.secret"
EDGE_LABEL = "vote-app.edge"
SLOT_LABELS = ("vote-app.slot-1", "vote-app.slot-2", "vote-app.slot-3")
NODE_LABELS = (EDGE_LABEL, *SLOT_LABELS)
