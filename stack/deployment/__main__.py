"""Start the command line."""

from deployment.cli.main import main

main()
