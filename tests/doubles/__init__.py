"""Stand-ins for the platforms, over real HTTP: they refuse what the platforms refuse."""
