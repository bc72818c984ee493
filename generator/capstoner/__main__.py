"""Run the command line with `python -m capstoner`."""

from capstoner.cli import main

if __name__ == "__main__":
    main()
