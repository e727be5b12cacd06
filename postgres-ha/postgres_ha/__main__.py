"""The command `postgres-ha`: run the node, or ask the running one for something."""

import argparse
import json
import os
import sys
from datetime import datetime
from typing import Any

from postgres_ha import agents, peers, tls
from postgres_ha.environment import SettingError, refuse, required, secret

LOCAL = "127.0.0.1"
WAIT_SECONDS = 90.0
# Of a restoration, each safe to repeat.
PARTS = ("possible", "state", "bring", "count", "later", "swap", "check", "end")


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code: 0 done, 1 refused, 2 wrong use or setting."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "run":
            return _run()
        if options.command == "backup":
            from postgres_ha.backup import program  # noqa: PLC0415

            return program.main(options)
        answer = _ask(options)
        # repmgrd reads one line of what its commands print and fails the command for a second.
        if options.command == "state":
            print(json.dumps(answer, indent=2))
        elif getattr(options, "force", False):
            print(f"primary of epoch {answer['term']}; commits wait until a standby has attached")
    except SettingError as error:
        refuse(error)
    except peers.AgentError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="postgres-ha", description="Run the node, or ask the running one.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the node (the container's command)")
    commands.add_parser("state", help="print what this node says of itself")
    _add_backup(commands.add_parser("backup", help="backups: their runner, and what it is asked for"))
    campaign = commands.add_parser("campaign", help="ask the peers for a term (for repmgrd)")
    campaign.add_argument("node_id", nargs="?")
    follow = commands.add_parser("follow", help="wait until this node follows (for repmgrd)")
    follow.add_argument("node_id", nargs="?")
    handover = commands.add_parser("handover", help="let the primary stop, and a standby be elected")
    handover.add_argument("primary", help="the primary; if another node is by now, nothing is done")
    handover.add_argument("heir", help="the standby that is to be elected")
    promote = commands.add_parser("promote", help="make this node the primary")
    how = promote.add_mutually_exclusive_group(required=True)
    how.add_argument("--elected", action="store_true", help="for the term just won (for repmgrd)")
    how.add_argument(
        "--force",
        action="store_true",
        help="WITHOUT a majority: every acknowledged commit that only the unreachable nodes"
        " hold is lost for good. For when they will never come back",
    )
    return parser


def _add_backup(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("run", help="run the runner (its container's command)")
    now = verbs.add_parser("now", help="make a backup, or wait for the one that is being made")
    now.add_argument("--type", choices=("full", "diff"), default="diff")
    verbs.add_parser("list", help="print the backups as JSON")
    drill = verbs.add_parser("drill", help="restore a backup beside everything else, and count its votes")
    restore = verbs.add_parser("restore", help="a part of what brings the votes of a moment back")
    restore.add_argument("part", choices=PARTS)
    adopt = verbs.add_parser("adopt", help="give the store of a database that is gone to this one")
    adopt.add_argument("part", choices=("possible", "do"))
    restore.add_argument("mark", help="the name of the schema that keeps all of it")
    for verb in (drill, restore):
        verb.add_argument("--backup", default="", help="its label; without one, the newest")
        verb.add_argument(
            "--to", type=datetime.fromisoformat, help="the moment to restore, with its offset of UTC"
        )


def _ask(options: argparse.Namespace) -> dict[str, Any]:
    node, ways = required(os.environ, "NODE_NAME"), tls.load(os.environ)
    if options.command == "state":
        return peers.Client(ways, address=LOCAL).get_state(node, WAIT_SECONDS)
    token = secret(os.environ, "AGENT_TOKEN_FILE", "postgres_agent_token")
    if options.command == "handover":
        asked = {"heir": options.heir}
        return peers.Client(ways, token).post(options.primary, "/handover", asked, WAIT_SECONDS)
    return peers.Client(ways, token, LOCAL).post(node, _path(options), {}, WAIT_SECONDS)


def _path(options: argparse.Namespace) -> str:
    if options.command == "promote":
        return "/override" if options.force else "/promotion"
    return {"campaign": "/campaign", "follow": "/following"}[options.command]


def _run() -> int:
    # Only the node itself needs the database's client library; the other commands start faster.
    from postgres_ha import logs, node, settings, supervisor  # noqa: PLC0415
    from postgres_ha.agent import Agent  # noqa: PLC0415

    logs.configure()
    own = node.Node(settings.load(os.environ))
    agent, ways = Agent(own), own.settings.tls
    agent.listen(agents.TLS_PORT, ways.server).start()
    if not ways.demanded:
        agent.listen(agents.PLAIN_PORT).start()
    own.peers.start()
    supervisor.Supervisor(own).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
