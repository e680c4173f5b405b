"""The command line: the function that the cargo binary runs."""

from __future__ import annotations

import signal
import sys

from donormatch import _core


def main() -> int:
    """Run the command line with the arguments of the process.

    Returns
    -------
    int
        0 done, 1 refused or failed, 2 wrong usage.
    """
    # Ctrl-C ends the process at once, as it ends the cargo binary.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _core.run_cli(["donormatch", *sys.argv[1:]])
