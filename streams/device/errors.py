"""What can go wrong on a device. No message holds a key, an id or anything of a record's content."""


class DeviceError(Exception):
    """The root of all errors that this package raises."""


class RecordError(DeviceError):
    """A record that no gateway could take: the field, and what was expected there. Nothing was spooled."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


class WrongKeyError(DeviceError):
    """The key is not there, is none, or is that of another source than the spool's."""


class SpoolError(DeviceError):
    """The spool cannot be read or written; the message says why."""


class SpoolBusyError(SpoolError):
    """Another process, or another object of this one, has the spool open."""


class SpoolFullError(SpoolError):
    """There is no room on the disk: nothing was recorded, and what was recorded before stands."""


class SpoolCorruptError(SpoolError):
    """The spool was damaged while it was open; opening it anew sets it aside."""


class NoAnswerError(DeviceError):
    """No answer came, or not all of it; whether the gateway took the request cannot be told.

    `was_slow` where time ran out: less at once may get through.
    """

    def __init__(self, message: str, *, was_slow: bool = False) -> None:
        super().__init__(message)
        self.was_slow = was_slow
