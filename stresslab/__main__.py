"""`python -m stresslab` is the command line."""

from stresslab.cli import main

if __name__ == "__main__":
    main()
