"""Whom a pager talks to: robots of chats, a telephone company, a mail server; as strict as their documentation.

What is not signed, not in its form, too much or to nobody is refused as the real one refuses it.
"""
