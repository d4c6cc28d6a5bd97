"""The two files that commands with a verdict leave for CI systems."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from loadtests.record.files import check_place, write_whole

Junit = Annotated[
    Optional[Path],  # noqa: UP045 - typer
    typer.Option(help="Write the verdicts here, as JUnit XML."),
]
Markdown = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(help="Write the verdicts here, as GitHub-flavoured Markdown."),
]


def check_places(junit: Path | None, markdown: Path | None) -> None:
    """UsageError where no file can be made, before there is anything to write."""
    check_place(junit, "--junit")
    check_place(markdown, "--markdown")


def write_verdicts(junit: Path | None, xml: str, markdown: Path | None, page: str) -> None:
    """Each whole or not at all; RecordError."""
    if junit:
        write_whole(junit, xml, option="--junit")
    if markdown:
        write_whole(markdown, page, option="--markdown")
