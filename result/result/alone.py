"""gunicorn without its arbiter, which would hold half as much memory again for one worker.

Swarm starts anew what ends. A worker that hangs ends itself (`Worker.notify`).
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from typing import Any, NoReturn

from gunicorn.workers.ggevent import GeventWorker


class Worker(GeventWorker):
    """gunicorn's gevent worker, which watches itself."""

    def notify(self) -> None:
        """Say that the loop turns; if it does not for `timeout` seconds, the process says where, and ends."""
        super().notify()
        faulthandler.dump_traceback_later(self.timeout, exit=True)


def serve(server: Any) -> NoReturn:
    """Be the worker as soon as gunicorn is ready to make one, and end as it ends."""
    # Until the worker heeds it: gunicorn keeps it for a loop that never runs, and may have done so by now.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if not server.SIG_QUEUE.empty():
        sys.exit()
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
