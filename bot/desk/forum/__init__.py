"""The agents' desk as a forum on Telegram: each conversation that needs a person is a topic."""
