"""The restoration that was begun and has not ended, kept in the Swarm: each manager can go on with it."""

from deployment.engine.records.note import Note
from deployment.plan.restoration import Restoration

_NOTE = Note("restoration", Restoration)
read, keep, forget = _NOTE.read, _NOTE.keep, _NOTE.forget
