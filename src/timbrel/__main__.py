"""`python -m timbrel` is `timbrel`."""

from timbrel.cli import main

if __name__ == "__main__":
    main()
