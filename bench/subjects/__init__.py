"""Programs that are measured: each runs as a process of its own and reports one line of JSON (`bench.span`)."""
