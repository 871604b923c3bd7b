"""The command line: one module a command, each importing its own libraries only when it runs."""
