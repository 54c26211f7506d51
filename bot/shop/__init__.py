"""Orders and customers as the shop's own system tells about them."""
