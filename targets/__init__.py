"""Programs that drive one library each for the worker protocol, and their declarations."""
