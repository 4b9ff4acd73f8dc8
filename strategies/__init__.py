"""How streams are bent: families of labelled plans, the schedule, and Hypothesis strategies."""

from replayfuzz.strategies.catalogue import FAMILIES
from replayfuzz.strategies.clauses import clause, clauses
from replayfuzz.strategies.family import UNBENT, Family
from replayfuzz.strategies.features import FEATURES, features, never
from replayfuzz.strategies.handoffs import ABUSES, HANDOFFS
from replayfuzz.strategies.places import place
from replayfuzz.strategies.plans import plans
from replayfuzz.strategies.schedule import plain, schedule
from replayfuzz.strategies.view import View, view
from replayfuzz.strategies.ways import Way, cut_at, uncut, ways
from replayfuzz.strategies.words import describe

__all__ = [
    "ABUSES",
    "FAMILIES",
    "FEATURES",
    "HANDOFFS",
    "UNBENT",
    "Family",
    "View",
    "Way",
    "clause",
    "clauses",
    "cut_at",
    "describe",
    "features",
    "never",
    "place",
    "plain",
    "plans",
    "schedule",
    "uncut",
    "view",
    "ways",
]
