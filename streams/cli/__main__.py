"""`python -m streams.cli` is `gridwatch`."""

from streams.cli.main import main

main(prog_name="gridwatch")
