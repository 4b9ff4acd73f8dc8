"""Runs scenarios on daemons: finds their files, plays the upstream and the client, judges."""

from replayfuzz.examine.files import chosen, load, shipped
from replayfuzz.examine.run import Hearer, Options, examine

__all__ = ["Hearer", "Options", "chosen", "examine", "load", "shipped"]
