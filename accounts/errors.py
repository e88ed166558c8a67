"""What can go wrong with a member, in words that a client may read."""


class EmailTaken(Exception):
    """A member with this email exists already; log in instead."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)
