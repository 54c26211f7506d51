"""Tables, their queries, and the one way to change them: `Database.transact`."""
