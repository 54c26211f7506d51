"""The FAQ engine: load → index → rank → decide."""
