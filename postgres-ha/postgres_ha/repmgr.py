"""repmgr: its configuration, its commands, and its daemon as a child process."""

import subprocess
import time

import structlog

from postgres_ha import child
from postgres_ha.database import Database
from postgres_ha.errors import ServiceError
from postgres_ha.settings import Settings

log = structlog.get_logger()

COMMAND_SECONDS = 20
RESTART_SECONDS = 2.0
_STOP_SECONDS = 3

# Whether others still see the primary is asked in the campaign, where the answer is of that moment; repmgrd's
# own question is answered from memory, and called off the first election after every kill.
# The primary is asked over a connection that is kept: a new one each time is a login each time.
_CONF = """\
node_id={node_id}
node_name='{node}'
conninfo='host={node} port=5432 user=repmgr dbname=repmgr passfile={passfile} connect_timeout=2'
data_directory='{data}'
passfile='{passfile}'
use_replication_slots=yes
failover=automatic
monitor_interval_secs=2
reconnect_attempts=2
reconnect_interval=0
connection_check_type=query
async_query_timeout=1
primary_visibility_consensus=false
standby_disconnect_on_failover=false
election_rerun_interval=3
failover_validation_command='/usr/local/bin/postgres-ha campaign %n'
promote_command='/usr/local/bin/postgres-ha promote --elected'
follow_command='/usr/local/bin/postgres-ha follow %n'
log_level=NOTICE
log_status_interval=3600
"""


_NO_OTHER = "UPDATE repmgr.nodes SET active = false WHERE type = 'primary' AND active AND node_id <> %s"
_THIS_ONE = "UPDATE repmgr.nodes SET type = 'primary', upstream_node_id = NULL WHERE node_id = %s"


class RepmgrError(ServiceError):
    """A repmgr command failed; the message is its last line."""


class Repmgr:
    """Run repmgr for one node."""

    def __init__(self, settings: Settings) -> None:
        self._conf = settings.repmgr_conf
        self._daemon: subprocess.Popen[bytes] | None = None
        self._watched: object = None
        self._not_before = 0.0

    def register_primary(self) -> None:
        """Record the local node as the primary; raise RepmgrError."""
        self._run("primary", "register", "--force")

    def register_standby(self, upstream_id: int) -> None:
        """Record the local node as a standby of another; raise RepmgrError."""
        self._run("standby", "register", "--force", f"--upstream-node-id={upstream_id}")

    def watch(self, situation: object) -> None:
        """Keep repmgrd running, afresh whenever the situation it was started in has changed."""
        if self._daemon is not None and self._daemon.poll() is not None:
            log.info("repmgrd ended", code=self._daemon.returncode)
            self._daemon = None
        if self._daemon is not None and self._watched != situation:
            self.stop()
        if self._daemon is None and time.monotonic() >= self._not_before:
            self._not_before = time.monotonic() + RESTART_SECONDS
            command = ["repmgrd", "-f", str(self._conf), "--daemonize=false", "--no-pid-file"]
            self._daemon = subprocess.Popen(command)
            self._watched = situation

    def stop(self) -> None:
        """Stop repmgrd."""
        if self._daemon is None:
            return
        child.end(self._daemon, _STOP_SECONDS)
        self._daemon = None

    def _run(self, *arguments: str) -> None:
        command = ["repmgr", "-f", str(self._conf), *arguments]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise RepmgrError(f"{' '.join(arguments)}: not done in {error.timeout:g} s") from error
        if result.returncode:
            lines = result.stderr.strip().splitlines()
            raise RepmgrError(f"{' '.join(arguments)}: {lines[-1] if lines else 'no output'}")


def record_primary(database: Database, node_id: int) -> None:
    """Note a promotion in repmgr's records; raise psycopg.Error."""
    with database.connect("repmgr") as connection, connection.transaction():
        connection.execute(_NO_OTHER, (node_id,))
        connection.execute(_THIS_ONE, (node_id,))


def write_configuration(settings: Settings) -> None:
    """Write repmgr.conf."""
    text = _CONF.format(
        node=settings.node,
        node_id=settings.node_id,
        passfile=settings.passfile,
        data=settings.data,
    )
    settings.repmgr_conf.write_text(text)
