"""The targets by name, in the order in which they are run."""

from tests.fuzz.corpus import policies, records
from tests.fuzz.target import Target
from tests.fuzz.targets import alerts, codec, core, gateway, intake, policy, sink, state

_KIB = 1024

TARGETS = {
    target.name: target
    for target in (
        Target("codec", codec.run, codec.mutate, records, share=500, largest_bytes=66 * _KIB),
        Target("policy", policy.run, policy.mutate, policies, share=100, largest_bytes=66 * _KIB),
        Target("intake", intake.run, intake.mutate, intake.seeds, share=120, largest_bytes=66 * _KIB),
        Target("sink", sink.run, sink.mutate, sink.seeds, share=80, largest_bytes=66 * _KIB),
        Target("alerts", alerts.run, alerts.mutate, alerts.seeds, share=40, largest_bytes=66 * _KIB),
        Target("gateway", gateway.run, gateway.mutate, gateway.seeds, share=100, largest_bytes=66 * _KIB),
        Target("state", state.run, state.mutate, state.seeds, share=40, largest_bytes=64),
        Target("core", core.run, core.mutate, core.seeds, share=20, largest_bytes=128 * _KIB, seconds=20.0),
    )
}
assert sum(target.share for target in TARGETS.values()) == 1000
