"""The program ``mprnet``: ``python -m mprnet denoise noisy.jpg -o clean.png``."""

import sys
from typing import NoReturn

from . import _native


def main() -> NoReturn:
    """Does what the program does with this process's arguments, and ends the process with its exit code."""
    sys.exit(_native.run(["mprnet", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
