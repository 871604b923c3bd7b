"""Breaking real parts: a cluster of three Kafka nodes, every part a process, faults at random moments, and a judge outside.

    town --> sender --> [links] --> Kafka x 3 <-- [links] <-- intake, watch, clock, sink --> [link] --> ClickHouse's engine
                                        |                                                                   |
                                        +---> judge: raw log, timeline, results, views <--------------------+
                                                     against the town's truth and a replay

`python -m tests.chaos --help` says how to run it, docs/RELIABILITY.md what came out.
"""
