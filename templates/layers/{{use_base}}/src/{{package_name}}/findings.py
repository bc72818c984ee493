"""What the validation of data finds, and how a person reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

from .console import table


@dataclass(frozen=True)
class Finding:
    """Something in the data that a person should know, and what was done about it.

    `where` is the part of the data, such as a column or a file.
    """

    where: str
    problem: str
    action: str


def show_findings(findings: Sequence[Finding], heading: str = "where") -> None:
    """Print a table of findings, or nothing where there is none.

    Parameters
    ----------
    findings : Sequence[Finding]
        In the order in which they are shown.
    heading : str
        What `where` of them is.
    """
    if findings:
        rows = [(finding.where, finding.problem, finding.action) for finding in findings]
        table("What the validation found", [heading, "problem", "what was done"], rows)
