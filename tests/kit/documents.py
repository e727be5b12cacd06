"""The documents, whose tables stand between markers."""

from deployment.configuration.layout import ROOT

README = ROOT / "README.md"


def rewritten(text: str, table: str, marker: str) -> str:
    """Return a text with the table between its two markers; raise ValueError if they are not there."""
    before, _, after = text.split(marker)
    return f"{before}{marker}\n{table}\n{marker}{after}"
