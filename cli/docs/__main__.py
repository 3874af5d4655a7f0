"""`python -m cli.docs`: write the generated documents; `--check` compares them."""

import sys

from cli.docs.pages import main

if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
