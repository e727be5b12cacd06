"""What can be voted for: a stored vote holds the key of an option, which is one name's for a whole poll."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from string import ascii_lowercase

from deployment.errors import DeployError
from deployment.plan.cluster.picture import Votes

# All that the workers of a release which recorded no options take for an option.
FORMER_KEYS = ascii_lowercase[:10]


class Change(StrEnum):
    """What may be meant where an option that has votes is no longer among those that are wanted."""

    RENAME = "rename"
    REMOVE = "remove"


MEANING = {
    Change.RENAME: "the name that stands in its place gets its votes",
    Change.REMOVE: "its votes are kept but not shown, and come back with its name; a new name starts at 0",
}


@dataclass(frozen=True)
class Options:
    """Every option that there ever was, by its key, and the keys of those that are offered, in order."""

    names: Mapping[str, str]
    offered: tuple[str, ...]
    letters: str = field(default=ascii_lowercase, compare=False)
    """What may become a key."""


class UnsettledError(DeployError):
    """Votes would no longer be shown, or would count for another name, and nobody has said which is meant."""

    def __init__(self, lost: Sequence[str], answers: Sequence[Change], *, queued: bool) -> None:
        have = "may have votes, for some wait in the queue or it does not answer," if queued else "have votes"
        super().__init__(
            f"Options that {have} are no longer wanted: {', '.join(lost)}. Nothing was changed.",
            f"{'Run `up` again when the queue is empty, or say' if queued else 'Say'} what is meant: "
            + "; or ".join(f"--change-options {answer} ({MEANING[answer]})" for answer in answers)
            + ".",
        )
        self.answers = tuple(answers)


def settle(recorded: Options | None, wanted: Sequence[str]) -> Options:
    """Return the options with `wanted` on offer: a known name has its key, a new one gets a key nobody had.

    Case does not matter. Raises DeployError if there is no such key left.
    """
    names = dict(recorded.names) if recorded else {}
    letters = recorded.letters if recorded else ascii_lowercase
    keys = {name.casefold(): key for key, name in names.items()}
    fresh = iter([letter for letter in letters if letter not in names])
    offered = []
    for name in wanted:
        key = keys.get(name.casefold()) or next(fresh, None)
        if key is None:
            raise _no_letter(name, letters)
        names[key] = name
        offered.append(key)
    return Options(names, tuple(offered))


def renamed(recorded: Options, wanted: Sequence[str]) -> Options | None:
    """Return the options with new names in the places of the old; None if there is any other change.

    A name that was offered before is not new: it has a key of its own.
    """
    if len(wanted) != len(recorded.offered):
        return None
    keys = {name.casefold(): key for key, name in recorded.names.items()}
    places = dict(zip(recorded.offered, wanted, strict=True))
    if any(keys.get(name.casefold(), key) != key for key, name in places.items()):
        return None
    return Options({**recorded.names, **places}, recorded.offered)


def decide(
    recorded: Options | None,
    wanted: Sequence[str],
    tally: Mapping[str, int] | None,
    agreed: Change | None = None,
    *,
    queued: bool = False,
) -> Options:
    """Return the options to deploy; `tally` has the votes by key, None where nobody can say.

    While votes are `queued`, or nobody knows, any option may have some.
    Raises UnsettledError unless it is `agreed` what becomes of an option that has votes and is not wanted,
    DeployError if nobody can say whether it has any.
    """
    if recorded is None:
        return settle(None, wanted)
    with_new_names = renamed(recorded, wanted)
    if agreed is Change.RENAME and with_new_names:
        return with_new_names
    settled = settle(recorded, wanted)
    gone = [key for key in recorded.offered if key not in settled.offered]
    if gone and tally is None:
        raise _not_counted(recorded, gone)
    lost = [
        _described(recorded.names[key], key, tally) for key in gone if queued or (tally and tally.get(key))
    ]
    answers = [Change.RENAME, Change.REMOVE] if with_new_names else [Change.REMOVE]
    if lost and agreed not in answers:
        raise UnsettledError(lost, answers, queued=queued)
    return settled


def changes(recorded: Options | None, decided: Options, tally: Mapping[str, int] | None) -> tuple[str, ...]:
    """Say what becomes of the options that run, a line for each that comes, goes or is called otherwise."""
    if recorded is None:
        return ()
    lines = []
    for key, name in decided.names.items():
        was, will_be = key in recorded.offered, key in decided.offered
        if was and will_be and name != recorded.names[key]:
            lines.append(f"call {name} what was {_described(recorded.names[key], key, tally)}")
        elif will_be and not was:
            lines.append(f"offer {_described(name, key, tally)}")
        elif was and not will_be:
            lines.append(f"no longer offer {_described(name, key, tally)}")
    return tuple(lines)


def tally_of(votes: Votes) -> Mapping[str, int] | None:
    """Return the votes by key in an observer's picture; None where it does not say."""
    # That of a release before this one counts all options together.
    return {} if votes.stored == 0 else votes.tally


def of_environment(environment: Mapping[str, str]) -> Options:
    """Return the options that a running service was told of; without keys they are letters by place."""
    listed = environment.get("VOTE_OPTIONS", "").strip()
    names = listed.split(",") if listed else [environment.get(f"OPTION_{letter}", "") for letter in "AB"]
    told = environment.get("VOTE_OPTION_KEYS", "")
    keys = told.split(",") if told else list(ascii_lowercase)
    options = {key.strip(): name.strip() for key, name in zip(keys, names, strict=False)}
    return Options(options, tuple(options), ascii_lowercase if told else FORMER_KEYS)


def _described(name: str, key: str, tally: Mapping[str, int] | None) -> str:
    return f"{name} ({'votes unknown' if tally is None else f'{tally.get(key, 0):,} votes'})"


def _not_counted(recorded: Options, gone: Sequence[str]) -> DeployError:
    lost, offered = (", ".join(recorded.names[key] for key in keys) for keys in (gone, recorded.offered))
    return DeployError(
        f"{lost} would no longer be among the options, and nobody here can say how many votes it has. "
        "Nothing was changed.",
        f"Run `up` with the options as they are ({offered}), and change them when `status` shows the votes. "
        "(It asks this node's observer, which needs the database, and a release that counts each option.)",
    )


def _no_letter(name: str, letters: str) -> DeployError:
    if letters == FORMER_KEYS:
        return DeployError(
            f"The workers that run know ten options, and {name!r} would be one more.",
            "Run `up` with the options as they are, then change them: it brings workers that know more.",
        )
    return DeployError(
        f"This poll has had {len(letters)} options, as many as there are letters: none is left for {name!r}.",
        "Offer one that it had before, or put the name in the place of another with --change-options rename. "
        "For a new poll: `down --volumes` deletes every vote.",
    )
