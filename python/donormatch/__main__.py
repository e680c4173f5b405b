"""``python -m donormatch`` is the command line."""

from __future__ import annotations

import sys

from donormatch._cli import main

if __name__ == "__main__":
    sys.exit(main())
