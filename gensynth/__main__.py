"""``python -m gensynth``: the command line, for an installation whose scripts are not on the path."""

from __future__ import annotations

import sys

from gensynth.cli import main

if __name__ == "__main__":
    sys.exit(main())
