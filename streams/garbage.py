"""How often Python looks for reference cycles in processes that take many records."""

import gc


def collect_garbage_rarely() -> None:
    """Let Python look for reference cycles rarely: batches make and drop thousands of objects, and hardly any cycle.

    With the usual thresholds a fifth of a worker's time went into looking at the records of batches, none of which stay, and
    a third of a gateway's into looking at what it had imported.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(250_000, 50, 100)
