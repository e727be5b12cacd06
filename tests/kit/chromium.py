"""The distribution's Chromium, and what a visitor does not see of a page: errors, other hosts, weight."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Playwright, Request, Response

from kit.images import absent
from kit.waiting import wait_until

NAMES = ("chromium", "chromium-browser", "google-chrome")
MOST_KILOBYTES = 60
# What Chromium says of a request that it gave up since this machine got an address, or lost one. Each
# container that starts or ends here brings that about. Chromium loads such a page again by itself, unless
# somebody drives it.
CHANGED = "net::ERR_NETWORK_CHANGED"
LOAD_SECONDS = 30.0
SETTLE_SECONDS = 10.0
ADDRESSES = Path("/proc/net/if_inet6")
TENTATIVE = 0x40
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def chromium(playwright: Playwright, addresses: Mapping[str, str]) -> Iterator[Browser]:
    """Run Chromium, in which hosts have the given addresses; without one fail in CI, skip elsewhere."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        absent("no Chromium here: sudo apt-get install chromium")
    rules = ", ".join(f"MAP {host} {address}" for host, address in addresses.items())
    # Chromium refuses to be root within its sandbox.
    sandbox = [] if os.geteuid() else ["--no-sandbox"]
    wait_until(_settled, SETTLE_SECONDS, ADDRESSES.read_text)
    browser = playwright.chromium.launch(
        executable_path=path,
        args=[f"--host-resolver-rules={rules}", "--disable-auto-reload", *sandbox],
    )
    try:
        yield browser
    finally:
        browser.close()


def _settled() -> bool:
    """Whether each address of this machine is final: a new one is tentative at first (RFC 4862)."""
    if not ADDRESSES.exists():
        return True
    return not any(int(line.split()[4], 16) & TENTATIVE for line in ADDRESSES.read_text().splitlines())


def load(page: Page, url: str | None = None) -> Response | None:
    """Open the address, or load the page again; once more while the network of this machine changes."""
    return wait_until(lambda: _loaded(page, url), LOAD_SECONDS, lambda: CHANGED)[0]


def _loaded(page: Page, url: str | None) -> tuple[Response | None] | None:
    """Load once; return the answer, or nothing if the network changed before all of it was there."""
    lost: list[str | None] = []

    def _lose(request: Request) -> None:
        lost.append(request.failure)

    page.on("requestfailed", _lose)
    try:
        answer = page.reload() if url is None else page.goto(url)
    except Error as error:
        if CHANGED not in error.message:
            raise
        return None
    finally:
        page.remove_listener("requestfailed", _lose)
    return None if CHANGED in lost else (answer,)


class Visit:
    """One page in a browser of its own, with cookies of its own; `options` are those of a browser context."""

    def __init__(self, browser: Browser, options: Mapping[str, object]) -> None:
        known: dict[str, object] = {"ignore_https_errors": True, "locale": "en-GB", **options}
        self.context = browser.new_context(**known)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.troubles: list[str] = []
        self.hosts: set[str] = set()
        self._responses: list[Response] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(str(urlsplit(request.url).hostname)))
        self.page.on("response", self._keep)

    def _keep(self, response: Response) -> None:
        self._responses.append(response)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and CHANGED not in message.text:
            self.troubles.append(message.text)

    def kilobytes(self) -> float:
        """Return what all that was loaded weighs, uncompressed."""
        return sum(len(response.body()) for response in self._responses if response.ok) / 1000

    def accessibility(self) -> str:
        """Return what axe-core has to say against the page, nothing if it is content."""
        found = Axe().run(self.page, options={"runOnly": RULES})
        return str(found.generate_report()) if found.violations_count else ""

    def overflows(self) -> bool:
        """Whether something is wider than the window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    def close(self) -> None:
        """Close the browser's window."""
        self.context.close()
