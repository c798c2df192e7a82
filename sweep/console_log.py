"""The console handler: each message that this package logs is a line on stderr."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress

from sweep.printable import printable


class ConsoleHandler(logging.Handler):
    """Writes the message of a record to stderr, without time, level or traceback.

    A stderr that is closed or full loses the line and stops nothing. The stream is looked up for each message, so that
    lines appear above the bars of progress that a terminal shows.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message.

        Args:
            record: The logged message. Characters that a terminal would obey are replaced.
        """
        # RuntimeError: a signal's handler logs while a line is being written.
        with suppress(OSError, ValueError, RuntimeError, SystemExit):
            print(printable(record.getMessage()), file=sys.stderr, flush=True)


def log_to_console() -> None:
    """Show the messages of this package, from level INFO on, on the stderr of this process. A second call does nothing.

    The command line calls it, and so do the processes that executors start on other machines. A program that imports
    the package configures logging itself.
    """
    logger = logging.getLogger("sweep")
    if not any(isinstance(handler, ConsoleHandler) for handler in logger.handlers):
        logger.addHandler(ConsoleHandler())
        logger.setLevel(logging.INFO)
