"""What other systems are told: ordered with the change itself, sent until it has arrived."""
