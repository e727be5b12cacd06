"""Who paused the voting, kept in the Swarm: each manager knows it, and it outlives the queue's servers."""

from deployment.engine.records.note import Note
from deployment.plan.maintenance import Maintenance

_NOTE = Note("maintenance", Maintenance)
read, keep, forget = _NOTE.read, _NOTE.keep, _NOTE.forget
