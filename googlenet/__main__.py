"""``python -m googlenet`` is the command ``googlenet``."""

from googlenet.cli import main

if __name__ == "__main__":
    main()
