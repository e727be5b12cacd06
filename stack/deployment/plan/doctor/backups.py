"""The backups and their drills: whether there are any, and whether they are good."""

from collections.abc import Sequence

from deployment.plan.cluster import backups, drills
from deployment.plan.cluster.picture import Picture
from deployment.plan.doctor.finding import Finding, Severity, ok, unknown
from deployment.plan.kit.due import MAKE
from deployment.plan.swarm.nodes import Node

NONE = Finding(
    "backups",
    Severity.INFO,
    "No backups are made.",
    "What a person or a program deletes by mistake is then gone for good.",
    "set BACKUP_STORE, see docs/backup.md",
)
ONE_DISK = Finding(
    "backups.store",
    Severity.WARNING,
    "The backups are on this machine, as the votes are.",
    "Who loses the machine loses both.",
    "set BACKUP_STORE=s3, see docs/backup.md",
)
LOGS = "python3 deploy.py logs observer"
AT_RISK = "Votes may be in no backup that is known to be good."
NO_KEY = "After the Swarm is lost, only a kit of today surely leads to the backups and reads them."


def judge(store: str, picture: Picture, members: Sequence[Node]) -> list[Finding]:
    """Judge the backups of a stack whose release has this store; empty: it has none."""
    if not store:
        return [NONE]
    if picture.at is None or (found := picture.backups) is None:
        return [unknown("backups", "Nobody here can say how the backups are.", LOGS)]
    wrong = [*backups.warnings(picture), *drills.warnings(found.drill, picture.at)]
    judged = [Finding("backups", Severity.WARNING, _sentence(what), AT_RISK, do) for what, do in wrong]
    alone = store == "volume" and len(members) == 1
    lines = (backups.line(vars(found), picture.at), drills.line(found.drill, picture.at))
    said = " ".join(map(_sentence, lines))
    good = unknown("backups", said, LOGS) if found.waiting is None else ok("backups", said)
    return [*(judged or [good]), *([ONE_DISK] if alone else [])]


def kit(due: Sequence[str]) -> list[Finding]:
    """Judge the recovery kit of a stack that has backups by why another one is due."""
    return [Finding("backups.kit", Severity.WARNING, _sentence(each), NO_KEY, MAKE) for each in due]


def _sentence(line: str) -> str:
    return f"{line[0].upper()}{line[1:]}."
