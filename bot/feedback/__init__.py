"""What customers think: ratings after a resolve, and a word."""
