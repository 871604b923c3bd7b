"""What must hold for every log, tried on random histories.

A seed makes a history (`tests.support.histories`), so a failure can be repeated: it prints the command, and keeps the log
under `.pytest_cache/d/histories`, because the histories of a seed change when the model does. `EXAMPLES=n` sets how many
seeds are tried, `FIRST_SEED=n` where they begin, `SIZE` how long the histories are (`tiny`, `small`, `large`).
"""
