"""Errors that a user can act on."""


class DeployError(Exception):
    """Something the user must know: what happened, what to do, and the lines that show why."""

    def __init__(self, what: str, remedy: str, evidence: list[str] | None = None, *, code: int = 1) -> None:
        super().__init__(what)
        self.code = code  # of the process
        self.what = what
        self.remedy = remedy
        self.evidence = evidence or []
