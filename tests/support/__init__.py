"""Tools of the tests: the real service in a process of its own, and clients for it."""
