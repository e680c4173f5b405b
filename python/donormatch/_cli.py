"""The command line: the function that the cargo binary runs."""

from __future__ import annotations

import os
import signal
import sys

from donormatch import _core


def main() -> int:
    """Run the command line with the arguments of the process.

    Returns
    -------
    int
        0 done, 1 refused or failed, 2 wrong usage, 130 ended by Ctrl-C.
    """
    try:
        os.fstat(1)
    except OSError:
        # The next file that is opened would become the standard output.
        sys.stderr.write("error: the standard output is closed: the result would be lost\n")
        return 1
    # Until the command has begun, which looks for Ctrl-C by itself, it ends the process at once.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _core.run_cli(["donormatch", *sys.argv[1:]])
