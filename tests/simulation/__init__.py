"""The pipeline in one process, on a simulated log, clock and network, from one seed.

Intake, clock, watch and sink run as they are; what is simulated stands behind their clients: brokers, groups, ClickHouse,
time. A seed says which processes there are, which records come, what fails and when, and in which order everything that
happens at once happens. The same seed is the same run, to the byte.

    loop      simulated time, and processes: an event loop each
    network   requests on their way: slow, lost, answered to somebody who is dead
    faults    what a seed breaks, how often, and how often it did
    broker    partitions, producers, compaction          groups    membership, generations, commits
    store     tables that replace rows by identity       native    the blocks that are inserted, read back
    clients   what stands in for the Kafka clients       hosting   what Faust and the batch transport do
    roles     the processes: workers, clock, sink        devices   records as sources send them
    cluster   everything together, and who starts what again
    run       one seed from beginning to end             verdict   what came out, judged by the contract
    planted   faults of ours, to show that they are found

`python -m tests.simulation --seeds 1000` runs seeds, `--seed 17 --trace` one of them with all that happens.
"""
