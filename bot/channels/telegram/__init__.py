"""Telegram, one bot per account: updates come in, messages go out.

python-telegram-bot gives the Bot API's calls, types and errors. Its Updater and Application are
left out: they confirm an update before it has been handled, so that a crash would lose it, and they
do not know one update that comes twice from two. Here an update is committed, then acknowledged.
"""
