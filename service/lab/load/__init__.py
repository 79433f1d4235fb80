"""Users by the thousand: what they send must arrive, whatever some of them do (``heliograph load``)."""
