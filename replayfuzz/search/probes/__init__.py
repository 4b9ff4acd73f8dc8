"""Rules that one transcript cannot show: each is tried once a variant, early in a run."""

from replayfuzz.search.probes.linear import LINEAR_TIME
from replayfuzz.search.probes.probe import Answer, Bounded, Measured, Probe, Untold
from replayfuzz.search.probes.requests import REQUEST_FIDELITY
from replayfuzz.search.probes.resources import RESOURCES_BACK
from replayfuzz.search.probes.visible import INCREMENTAL_DELIVERY

PROBES: tuple[Probe, ...] = (REQUEST_FIDELITY, INCREMENTAL_DELIVERY, LINEAR_TIME, RESOURCES_BACK)
"""In the order in which they are tried: what costs least comes first."""

__all__ = ["PROBES", "Answer", "Bounded", "Measured", "Probe", "Untold", "find"]


def find(invariant: str) -> Probe | None:
    """The probe for a rule, ``<id>`` or ``<id>/<case>``; None: one transcript shows it."""
    rule = invariant.partition("/")[0]
    return next((probe for probe in PROBES if probe.rule == rule), None)
