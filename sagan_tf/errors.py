"""The error that a user's input causes."""


class UserError(ValueError):
    """Something the user gave cannot be used.

    The message is one line that names what was given, what was expected and
    what was received. The commands print it and end with status 2, without a
    traceback.
    """
