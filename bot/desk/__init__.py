"""The agents' desk: their accounts, their login, and the page on which they work."""
