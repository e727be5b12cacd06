"""The packages of the services, and where each is."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "vote": ROOT / "vote/vote",
    "result": ROOT / "result/result",
    "worker": ROOT / "worker/worker",
    "redis_gate": ROOT / "redis-sentinel/redis_gate",
    "postgres_ha": ROOT / "postgres-ha/postgres_ha",
    "pgpool_leader": ROOT / "postgres-ha/pgpool/pgpool_leader",
    "certificates": ROOT / "traefik/certificates/certificates",
    "prober": ROOT / "stack/monitoring/prober/prober",
}
# In the worker's image, whose copies it uses.
OBSERVER = ROOT / "worker/observer"
