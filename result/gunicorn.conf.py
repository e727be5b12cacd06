"""How gunicorn serves the result page."""

import gc
from typing import Any

# Before anything else is imported: what was imported unpatched blocks the whole process.
from gevent import monkey

monkey.patch_all()

from result import alone, gunicorn_logs, headers, places, settings  # noqa: E402

_settings = settings.load()

bind = f"0.0.0.0:{_settings.port}"
worker_class = "result.drain.DrainingWorker"
places.raise_file_limit()
worker_connections = places.connections(places.available())
# Longer than the edge keeps its idle connections, so that it is never us who closes one in use.
keepalive = 120
graceful_timeout = _settings.drain_seconds + 5
worker_tmp_dir = "/dev/shm"  # noqa: S108
control_socket_disable = True
logger_class = gunicorn_logs.NoAccessLogger
logconfig_dict = gunicorn_logs.dictionary()
# This one process serves: a viewer's requests must all meet the one that knows the viewer.
when_ready = alone.serve


def post_worker_init(_worker: object) -> None:
    """Spare the garbage collector what lives as long as the process: looking through it takes 40 ms."""
    gc.collect()
    gc.freeze()


def pre_request(_worker: object, request: Any) -> None:
    """Keep of a request what is of use."""
    headers.reduce(request)
