"""From a customer's message to the reply: one turn, in one transaction."""
