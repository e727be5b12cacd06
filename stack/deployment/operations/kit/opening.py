"""`deploy.py kit open`: makes the secrets of a kit again, on a machine that has none of the stack."""

from collections.abc import Sequence
from pathlib import Path

from deployment.configuration.layout import ENV_FILE, GIVEN, ROOT
from deployment.engine.machine.engine import Client
from deployment.engine.records import options as recorded_options
from deployment.engine.secrets import credentials, kits
from deployment.errors import DeployError
from deployment.operations.kit.make import DOCUMENT, made_of, write
from deployment.operations.release import source
from deployment.operations.runner.operation import Check, Step
from deployment.operations.runner.site import Site
from deployment.operations.steps.images import Engine
from deployment.operations.steps.swarm import Swarm
from deployment.plan.kit import envelope
from deployment.plan.kit.contents import Contents, Item, absent, env_lines, files_of


def read(file: Path, passphrase: str) -> Contents:
    """Return what is in a kit's file; raise DeployError where the file or the passphrase is not right."""
    try:
        contents = DOCUMENT.validate_python(envelope.opened(file.read_bytes(), passphrase))
    except envelope.PassphraseError:
        raise DeployError(
            f"The passphrase does not open {file}. Nothing was changed.", "Type it once more."
        ) from None
    except envelope.EnvelopeError as error:
        raise DeployError(
            f"{file} cannot be opened: {error}. Nothing was changed.", "Take another copy of the kit."
        ) from None
    except ValueError:
        raise DeployError(
            f"{file} is of another release: this checkout cannot read it. Nothing was changed.",
            "Check out the source that the kit was made with. docs/kit.md says how to look into it without "
            "deploy.py.",
        ) from None
    except FileNotFoundError:
        raise DeployError(f"There is no file {file}.", "Name the kit's file.") from None
    if wrong := kits.altered((*contents.secrets, *contents.configs)):
        raise DeployError(
            f"{file} does not hold {wrong[0]} as it was. Nothing was changed.", "Take another kit."
        )
    return contents


def steps(contents: Contents, *, keep_data: bool) -> list[Step]:
    """Return the steps from a bare machine to one with the kit's secrets, on which `up` can go on."""
    # The secrets come last but one: as long as some are missing, the machine is still bare.
    content: list[Step] = [Settings(contents), Options(contents), Secrets(contents), Known(contents)]
    return [
        *(Bare(contents, keep_data=keep_data), Engine(), Swarm()),
        *(Begun(contents, content), *content, Ended()),
    ]


class Bare(Check):
    """Nothing of another stack is here."""

    def __init__(self, contents: Contents, *, keep_data: bool) -> None:
        self._contents, self._keep_data = contents, keep_data

    def require(self, site: Site) -> None:
        """Raise DeployError where secrets, options or data would get mixed."""
        if site.client is None:
            return
        lacking = not site.managed or bool(absent_items(site.client, self._contents))
        if site.managed:
            self._require_no_other(site.client)
        if lacking and not self._keep_data:
            require_no_data(site.client)

    def _require_no_other(self, client: Client) -> None:
        ours = {item.name for item in (*self._contents.secrets, *self._contents.configs)}
        others = [item.name for item in (*kits.secrets(client), *kits.configs(client))]
        others = sorted(name for name in others if name not in ours)
        known = recorded_options.recorded(client)
        if known and self._contents.options and known != self._contents.options:
            others.append("the record of the options")
        if (begun := kits.begun(client)) and begun != self._contents.at:
            others.append(f"a part of the kit of {begun}")
        if others:
            raise DeployError(
                f"This Swarm has what is not of this kit: {', '.join(others[:3])}"
                f"{f' and {len(others) - 3} more' if len(others) > 3 else ''}. Nothing was changed.",
                "A kit is for a Swarm without secrets of the stack. If this stack may go for good, with all "
                "its votes: python3 deploy.py down --volumes",
            )


def require_no_data(client: Client) -> None:
    """Raise DeployError where data of a stack are in volumes of this engine."""
    if found := credentials.data_volumes(client):
        raise DeployError(
            f"Data of a stack are here: {', '.join(found)}. Nothing was changed.",
            "If they are of the kit's own stack, whose Swarm was lost, add --keep-data: the kit's passwords "
            f"fit them. If they may go for good: docker volume rm {' '.join(found)}",
        )


def absent_items(client: Client, contents: Contents) -> tuple[list[Item], list[Item]] | None:
    """Return the secrets and configs of the kit that are not in the Swarm; None if all are."""
    there = {item.name for item in (*kits.secrets(client), *kits.configs(client))}
    secrets, configs = absent(contents.secrets, there), absent(contents.configs, there)
    return (secrets, configs) if secrets or configs else None


class Begun:
    """The Swarm knows that a kit is being opened until all of it is here: meanwhile `up` refuses."""

    touches = False

    def __init__(self, contents: Contents, content: Sequence[Step]) -> None:
        self._at, self._content = contents.at, content

    def missing(self, site: Site) -> list[str]:
        """Say so until it does."""
        if (site.managed and kits.begun(site.engine)) or not any(one.missing(site) for one in self._content):
            return []
        return ["note in the Swarm that a kit is being opened, until it is"]

    def do(self, site: Site) -> None:
        """Keep it."""
        kits.begin(site.engine, self._at)


class Ended:
    """The Swarm knows of no kit that is being opened."""

    touches = False

    def missing(self, site: Site) -> list[str]:
        """Say so until it does not."""
        begun = site.managed and kits.begun(site.engine)
        return ["note in the Swarm that the kit is open"] if begun else []

    def do(self, site: Site) -> None:
        """Keep it."""
        kits.end(site.engine)


class Secrets:
    """Every secret of the kit and every authority's certificate is in the Swarm again."""

    touches = False

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    def missing(self, site: Site) -> list[str]:
        """Say how many are to be made."""
        everything = (list(self._contents.secrets), list(self._contents.configs))
        found = absent_items(site.engine, self._contents) if site.managed else everything
        return [f"make {len(found[0])} secrets and {len(found[1])} configs again"] if found else []

    def do(self, site: Site) -> None:
        """Make them."""
        if found := absent_items(site.engine, self._contents):
            with site.progress.task(f"Making {len(found[0])} secrets again"):
                kits.restore(site.engine, *found)


class Options:
    """The Swarm knows which option has which key."""

    touches = False

    def __init__(self, contents: Contents) -> None:
        self._options = contents.options

    def missing(self, site: Site) -> list[str]:
        """Name the options until it does."""
        if self._options is None or (site.managed and recorded_options.kept(site.engine)):
            return []
        names = (self._options.names[key] for key in self._options.offered)
        return [f"keep the keys of the options: {', '.join(names)}"]

    def do(self, site: Site) -> None:
        """Keep them."""
        if self._options:
            recorded_options.record(site.engine, self._options)


class Settings:
    """The settings of the kit's release are in stack/.env, and beside it the files that they name."""

    touches = False

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._files = {GIVEN / name.lower(): content for name, content in files_of(contents).items()}
        paths = {path.name.upper(): str(path) for path in self._files}
        lines, self.unsaid = env_lines(contents.settings, paths)
        head = f"# Settings of the release that the recovery kit of {contents.at[:10]} was made with."
        self._text = "".join(f"{line}\n" for line in (head, *lines)) if lines else ""

    @property
    def others(self) -> bool:
        """Whether stack/.env has other settings, which stay."""
        return ENV_FILE.exists() and ENV_FILE.read_text() != self._text

    def missing(self, site: Site) -> list[str]:
        """Name the files that are to be written; none beside other settings, or the stack itself."""
        complete = site.managed and absent_items(site.engine, self._contents) is None
        if complete or not self._text or self.others:
            return []
        wanted = {**self._files, ENV_FILE: self._text.encode()}
        lacking = [path for path, text in wanted.items() if not path.exists() or path.read_bytes() != text]
        names = (path.relative_to(ROOT).as_posix() for path in lacking)
        return [f"write {', '.join(names)}"] if lacking else []

    def do(self, site: Site) -> None:
        """Write them, stack/.env last: it names the others."""
        del site
        if self._files:
            GIVEN.mkdir(mode=0o700, exist_ok=True)
        for path, text in {**self._files, ENV_FILE: self._text.encode()}.items():
            write(path, text)


class Known:
    """The Swarm knows the kit that it was made from."""

    touches = False

    def __init__(self, contents: Contents) -> None:
        self._made = made_of(contents)

    def missing(self, site: Site) -> list[str]:
        """Say so until it knows any."""
        known = site.managed and kits.made(site.engine)
        return [] if known else ["keep in the Swarm that this kit was made"]

    def do(self, site: Site) -> None:
        """Keep it."""
        kits.record(site.engine, self._made)


def next_steps(contents: Contents) -> list[str]:
    """Say what is to be done after the kit was opened."""
    settings = Settings(contents)
    here, there = source.revision(), contents.deployment.source
    return [
        *([f"The kit's release is of source {there}; this is {here}."] if here != there else []),
        *(
            ["stack/.env was here and stays as it is: `kit show` names the kit's settings."]
            if settings.others
            else []
        ),
        *(f"{name} cannot be written in stack/.env: set it in the shell." for name in settings.unsaid),
        "Go on: python3 deploy.py up",
    ]
