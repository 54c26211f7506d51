"""The shop's groups: who may write is kept in peace, spam is not, and questions are answered."""
