"""Plugins that the tests need."""

pytest_plugins = ["pytester"]
