"""What a run shows while it goes on: on a terminal a line that moves, and each finding."""

from __future__ import annotations

import contextlib
import shutil
import sys

from replayfuzz.cli.output import GoneError, gone, say, show
from replayfuzz.errors import StoreError
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
        self._moving = sys.stderr is not None and sys.stderr.isatty()
        self._shown: set[str] = set()

    def __call__(self, news: News) -> None:
        match news:
            case Progress():
                if self.blocks and gone():
                    # As with Ctrl-C, the run ends with what it has.
                    raise KeyboardInterrupt
                self._line(_progress(news))
            case Found(finding=finding, folder=folder):
                name = f"{finding.target}/{finding.id}"  # one id may be found in two targets
                if self.blocks and name not in self._shown:
                    self._shown.add(name)
                    self.done()
                    self._block(block(finding, folder))
            case Note(text=text):
                self.done()
                say(f"replayfuzz: {text}")

    def done(self) -> None:
        """Take the moving line away."""
        self._line("")

    def _block(self, text: str) -> None:
        try:
            show(text)
        except GoneError:
            raise KeyboardInterrupt from None
        except StoreError as error:
            say(f"replayfuzz: {error}; the run goes on")

    def _line(self, text: str) -> None:
        if self._moving:
            # A line that the terminal wraps could not be taken away again.
            wide = shutil.get_terminal_size().columns - 1
            with contextlib.suppress(OSError):
                sys.stderr.write(f"{_ERASE}{text[:wide]}")
                sys.stderr.flush()


def _progress(news: Progress) -> str:
    """The most important first: a narrow terminal shows only the beginning."""
    left = "" if news.left is None else f"{news.left:.0f} s left, "
    found = f"{news.findings} finding{'' if news.findings == 1 else 's'}"
    return f"{left}{found}, {news.examples:,} examples ({news.rate:.0f}/s): {news.target}"
