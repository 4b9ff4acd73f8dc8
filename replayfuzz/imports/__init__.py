"""Recordings of other tools, read: bytes in, exchanges out. No file is opened here."""

from replayfuzz.imports.importing import MOST, Imported, imported, too_large

__all__ = ["MOST", "Imported", "imported", "too_large"]
