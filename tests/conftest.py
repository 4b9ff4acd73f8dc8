"""What all tests share: the same examples in every run, and the plugins they need."""

from hypothesis import settings

pytest_plugins = ["pytester"]

# The gate must not depend on luck; `make fuzz` and `make bench` draw at random.
settings.register_profile("gate", derandomize=True, deadline=None, database=None)
settings.load_profile("gate")
