"""Where orders and products come from besides the events API."""
