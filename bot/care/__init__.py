"""What the shop tells customers by itself."""
