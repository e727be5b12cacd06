"""How gunicorn serves the vote page."""

import gc

# Before anything else is imported: what was imported unpatched blocks the whole process.
from gevent import monkey

monkey.patch_all()

from vote import alone, gunicorn_logs, settings  # noqa: E402

_settings = settings.load()

bind = f"0.0.0.0:{_settings.port}"
worker_class = "vote.drain.DrainingWorker"
# Longer than the edge keeps its idle connections, so that it is never us who closes one in use.
keepalive = 120
# A drain, then ten seconds for a vote under way and five more of replay: see vote/drain.py.
graceful_timeout = _settings.drain_seconds + 35
worker_tmp_dir = "/dev/shm"  # noqa: S108
control_socket_disable = True
logger_class = gunicorn_logs.NoAccessLogger
logconfig_dict = gunicorn_logs.dictionary()
# This one process serves. Several would each have a ledger and metrics of their own, on one port.
when_ready = alone.serve


def post_worker_init(_worker: object) -> None:
    """Spare the garbage collector what lives as long as the process: looking through it takes 40 ms."""
    gc.collect()
    gc.freeze()
