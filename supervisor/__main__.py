"""`python -m supervisor` is `orbit`."""

from supervisor.cli import main

if __name__ == "__main__":
    main()
