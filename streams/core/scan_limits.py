"""What a policy asks of a scan of somebody of whom nothing is held: below which temperature it is of no consequence.

Looked up for every scan, so the policy's sites and thresholds stand ready in one table.
"""

from dataclasses import dataclass, field
from math import inf, nextafter

from events.policy import Policy
from events.vocabulary import Site

_KEPT = 5_000


@dataclass(frozen=True, slots=True)
class ScanLimits:
    """`below_c` by site: a plausible reading below it is no fever and settles none; a site without it has no such.

    `unremarkable` is a cache: screenings, as they stand on the wire, that were found to be of no consequence.
    """

    from_c: float = 0.0
    below_c: dict[Site, float] = field(default_factory=dict)
    unremarkable: set[str] = field(default_factory=set, compare=False, repr=False)

    def note_unremarkable(self, screening: str) -> None:
        """Note a screening as one of no consequence; of a few thousand, as many as devices can tell apart."""
        if len(self.unremarkable) >= _KEPT:
            self.unremarkable.clear()
        self.unremarkable.add(screening)


NO_LIMITS = ScanLimits()


def scan_limits(policy: Policy) -> ScanLimits:
    """Return the limits of a policy."""
    fever = policy.fever
    above = fever.implausible_above_c
    return ScanLimits(
        fever.implausible_below_c,
        {
            # A threshold may lie above what is plausible, and then every plausible reading is below it.
            site: min(fever.threshold_c[site], _next_above(above))
            for site in Site
            if site not in fever.confirm_sites
        },
    )


def _next_above(bound: float) -> float:
    """Return the least number above a bound that is itself plausible."""
    return nextafter(bound, inf)
