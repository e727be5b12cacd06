"""What the accounts of the votes mean: one sentence, and whether a vote is lost."""

from collections.abc import Iterator, Sequence

from deployment.plan.cluster.picture import Account, Accounts, minute

HEADINGS = ("PROCESS", "ACKNOWLEDGED", "STORED", "QUEUED", "DEAD", "LOST", "UNKNOWN", "LAST TOLD (UTC)")
NOTHING_LOST, LOST, NOT_KNOWN = 0, 1, 4


def exit_code(accounts: Accounts) -> int:
    """Return the exit code of `audit`."""
    if accounts.lost:
        return LOST
    return NOTHING_LOST if accounts.lost is not None else NOT_KNOWN


def sentence(accounts: Accounts) -> str:
    """Say what became of all votes that were acknowledged."""
    parts = {
        "stored": accounts.stored,
        "queued": accounts.queued,
        "on their way": accounts.settling,
        "dead letters": accounts.dead,
        "lost": accounts.lost or 0,
        "unknown": accounts.unknown,
    }
    named = [f"{number:,} {name}" for name, number in parts.items() if number or name == "stored"]
    told = f"{accounts.acknowledged:,} votes acknowledged: {', '.join(named)}. {_verdict(accounts)}"
    return " ".join([told, *_reservations(accounts)])


def _verdict(accounts: Accounts) -> str:
    if accounts.lost is None:
        return "Whether one is missing is not known yet: ask again in a minute."
    if accounts.lost:
        return f"{accounts.lost:,} {'is' if accounts.lost == 1 else 'are'} missing."
    doubt = accounts.unknown or accounts.settling or accounts.silent or accounts.uncounted
    return "None is known to be missing." if doubt else "None is missing."


def _reservations(accounts: Accounts) -> Iterator[str]:
    """Yield a sentence for each thing that the accounts do not know."""
    if accounts.silent:
        processes = "1 process" if accounts.silent == 1 else f"{accounts.silent:,} processes"
        yield f"{processes} fell silent without a last word."
    if accounts.uncounted:
        so = f": {accounts.unjudged:,} of the unknown may be among them" if accounts.unjudged else ""
        yield f"Votes were also stored without numbers, last at {minute(accounts.uncounted)}{so}."
    if accounts.entries:
        yield f"The queue holds {accounts.entries:,} entr{'y' if accounts.entries == 1 else 'ies'}."


def ranges(account: Account) -> str:
    """Name the numbers that are lost."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in account.numbers)


def table(accounts: Accounts) -> list[str]:
    """Return a line for each process that is named, below a heading."""
    cells = [HEADINGS, *rows(accounts)] if accounts.processes else []
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(_aligned(each, widths)) for each in cells]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    (name, *numbers), (wide, *rest) = row, widths
    return [name.ljust(wide), *(text.rjust(width) for text, width in zip(numbers, rest, strict=True))]


def _mood(account: Account) -> str:
    return " (its last word)" if account.ended else " (silent)" if account.silent else ""


def rows(accounts: Accounts) -> list[Sequence[str]]:
    """Return the cells of a table, a row for each process."""
    return [
        (
            each.process,
            f"{each.acknowledged:,}",
            f"{each.stored:,}",
            f"{each.queued + each.settling:,}",
            f"{each.dead:,}",
            f"{each.lost:,}" + (f" ({ranges(each)})" if each.lost else ""),
            f"{each.unknown:,}",
            (each.told or "never")[:19].replace("T", " ") + _mood(each),
        )
        for each in accounts.processes
    ]
