"""The agents' API: what the desk does, for programs and for desks of one's own."""
