"""The service's face on HTTP: pages, chat socket, APIs, health."""
