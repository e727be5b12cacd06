"""Seed a stack from a container beside its pages: `python -m seed http://vote:8080/ http://result:8080/`."""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError

from seed import seeding
from seed.door import Door
from seed.errors import SeedError

SHOW_SECONDS = 2.0


def votes(text: str) -> int:
    """Read how many votes are wanted; raise ValueError or ArgumentTypeError."""
    if (number := int(text)) < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


def rate(text: str) -> float:
    """Read how many votes a second are wanted; raise ValueError or ArgumentTypeError."""
    if not 0 < (number := float(text)) < float("inf"):
        raise ArgumentTypeError("must be above 0")
    return number


def page(text: str) -> Door:
    """Read the address of a page; raise ArgumentTypeError."""
    if not (text.startswith("http://") and text.endswith("/")):
        raise ArgumentTypeError("must begin with http:// and end with /: inside there is no TLS")
    return Door(text)


class Lines:
    """Prints what is shown now and then."""

    def __init__(self) -> None:
        self._next = 0.0

    def show(self, text: str) -> None:
        """Print it, unless something was printed a moment ago."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SHOW_SECONDS
            print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Bring the votes and return the exit code."""
    parser = ArgumentParser("seed", description="Vote as many new voters do, and say what was stored.")
    parser.add_argument("vote", type=page, help="the vote page, e.g. http://vote:8080/")
    parser.add_argument("result", type=page, help="the result page")
    parser.add_argument("--votes", type=votes, default=3000)
    parser.add_argument("--rate", type=rate, help="votes a second at most")
    told = parser.parse_args()
    try:
        report = seeding.run(told.vote, told.result, told.votes, told.rate, Lines().show)
    except SeedError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the first vote, or a second time
        return 130
    print("\n".join(report.lines()))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
