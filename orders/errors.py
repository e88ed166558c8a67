"""What can go wrong with an order, in words that a client may read."""


class OrderNumberTaken(Exception):
    """Another order already has this number; leave it out to have one generated."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)
