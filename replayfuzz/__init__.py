"""replayfuzz: record LLM streams, bend them, and hold their readers against the standard."""

__version__ = "0.1.0"
