"""``python -m stamgast`` is the ``stamgast`` command."""

from stamgast.cli import main

if __name__ == "__main__":
    main()
