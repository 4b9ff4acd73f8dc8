"""What a run shows while it goes on: on a terminal a line that moves, and each finding."""

from __future__ import annotations

import sys

import typer

from replayfuzz.report import block
from replayfuzz.search import Found, News, Note, Progress

_ERASE = "\r\x1b[K"


class Teller:
    """Tells the news of a run.

    Progress goes to standard error, and only to a terminal: no control code ends up in a
    file. Findings go to standard output as they are made, unless the result has another form.

    Attributes:
        blocks: Print each finding when it is made.
    """

    def __init__(self, *, blocks: bool) -> None:
        self.blocks = blocks
        self._moving = sys.stderr.isatty()
        self._shown: set[str] = set()

    def __call__(self, news: News) -> None:
        match news:
            case Progress():
                self._line(_progress(news))
            case Found(finding=finding, folder=folder):
                if self.blocks and finding.id not in self._shown:
                    self._shown.add(finding.id)
                    self.done()
                    typer.echo(block(finding, folder))
            case Note(text=text):
                self.done()
                typer.echo(f"replayfuzz: {text}", err=True)

    def done(self) -> None:
        """Take the moving line away."""
        self._line("")

    def _line(self, text: str) -> None:
        if self._moving:
            sys.stderr.write(f"{_ERASE}{text}")
            sys.stderr.flush()


def _progress(news: Progress) -> str:
    left = "" if news.left is None else f", {news.left:.0f} s left"
    found = f"{news.findings} finding{'' if news.findings == 1 else 's'}"
    return f"{news.target}: {news.examples:,} examples ({news.rate:.0f}/s), {found}{left}"
