"""gunicorn without its process that watches the worker, which would hold half as much memory again.

Docker watches instead: what ends is started anew, and what hangs is not healthy for long.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn


def serve(server: Any) -> NoReturn:
    """Be the worker as soon as gunicorn is ready to make one, and end as it ends."""
    # Until the worker heeds it: gunicorn would keep it for a loop that never runs.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    worker = server.worker_class(
        1, os.getppid(), server.LISTENERS, server.app, server.timeout, server.cfg, server.log
    )
    worker.pid = os.getpid()
    try:
        worker.init_process()
    except Exception:
        server.log.exception("the worker failed")
        sys.exit(1)
    sys.exit()
