"""Tests of replayfuzz, one file for each module."""
