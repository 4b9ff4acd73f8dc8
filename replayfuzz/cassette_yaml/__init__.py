"""YAML for cassettes: text <-> plain items. It knows nothing of what a cassette holds."""

from replayfuzz.cassette_yaml.read import MAX_DEPTH, MAX_TEXT, Item, load, pairs
from replayfuzz.cassette_yaml.write import block, scalar, wrapped

__all__ = ["MAX_DEPTH", "MAX_TEXT", "Item", "block", "load", "pairs", "scalar", "wrapped"]
