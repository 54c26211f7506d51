"""Messages on their way in: their order within a chat, and which were taken before."""
