"""Reconciling: do the parts hold the same records, and if not, where. Pure: no client, no clock; records are arguments.

What must hold, and how it is looked at (docs/OPERATIONS.md, Reconcile, says what to do where it does not):

    raw to timeline          each valid raw record that intake has committed stands in the timeline, or repeats one
    timeline from raw        each record of the timeline is, to the byte, what intake makes of some raw record; what it tells
                             of sources follows from many, and is passed over
    raw to dead-letters      each refused raw record that intake has committed is a dead letter with its reason and bytes
    dead-letters from raw    each dead letter of a raw topic names a raw record that is refused for that reason
    ticks                    every partition of the timeline has the same ticks; the newest may be under way
    ... to clickhouse        what the sink has committed stands in ClickHouse, each row once, every column as written

Only what is committed is asked for; the rest is under way, and counted as such.
"""
