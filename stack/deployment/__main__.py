"""Start the command line."""

from deployment.cli import main

main()
