"""`python -m olhubd` is the command `olhubd`."""

from olhubd.cli import main

if __name__ == "__main__":
    main()
