"""Measurements of the running product; `python -m bench` runs them all."""
