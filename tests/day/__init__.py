"""Ten thousand devices through a day: each the real client with a spool of its own, while what they send to is broken.

    devices, in lanes ------.                      .--> raw topics --> [intake] --> timeline
    devices that are killed -+--> [gateway] x 2 --> Kafka                              |
             |                                     '--------------+--------------------'
             '--- what their spools hold ------------------> judge, outside

`python -m tests.day --help` says how to run it, docs/RELIABILITY.md what came out.
"""
