"""`python -m coldstart_harness COMMAND`."""

from coldstart_harness.cli import main

if __name__ == "__main__":
    main()
