"""Tests of the FAQ engine."""
