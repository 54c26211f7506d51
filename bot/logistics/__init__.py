"""Parcels: where they are, and what to say about it."""
