"""Numbers for the owner: what is counted, reports, and the daily summary."""
