"""What redis-check-aof says of the append-only files of a node that runs."""

from deployment.plan.doctor.finding import Finding, Severity, ok, unknown

SOUND = "All AOF files and manifest are valid"


def judge(node: str, code: int | None, printed: str) -> Finding:
    """Judge what the program printed, and its exit code; None where it could not be run."""
    name = f"append-only.{node}"
    last = printed.strip().splitlines()[-1] if printed.strip() else "nothing was said"
    if code is None:
        return unknown(name, f"The append-only files of {node} could not be looked at: {last}.")
    if code == 0 and SOUND in printed:
        return ok(name, f"The append-only files of {node} are sound.")
    return Finding(
        name,
        Severity.CRITICAL,
        f"redis-check-aof finds a fault in the append-only files of {node}: {last}",
        "When it starts again it cannot read them, and copies from its primary instead, if there is one.",
        f"python3 deploy.py logs {node}",
    )
