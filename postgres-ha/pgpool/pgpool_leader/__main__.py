"""The container's command."""

import os
import sys

from pgpool_leader import settings
from pgpool_leader.logs import configure
from pgpool_leader.supervisor import Supervisor


def main() -> int:
    """Run the supervisor; return 2 for a wrong setting."""
    configure()
    try:
        Supervisor(settings.load(os.environ)).run()
    except settings.SettingError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
