"""``python -m service`` is ``heliograph``."""

from service.cli import main

if __name__ == "__main__":
    main()
