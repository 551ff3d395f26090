"""``python -m streams`` is ``groundswell``."""

from streams.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
