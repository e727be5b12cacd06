"""The container's command."""

import os

from pgpool_leader import logs, settings
from pgpool_leader.environment import SettingError, refuse
from pgpool_leader.supervisor import Supervisor


def main() -> None:
    """Run the supervisor; exit with 2 for a wrong setting."""
    logs.configure()
    try:
        Supervisor(settings.load(os.environ)).run()
    except SettingError as error:
        refuse(error)


if __name__ == "__main__":
    main()
