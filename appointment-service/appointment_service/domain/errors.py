"""What the rules refuse."""


class InvalidTransition(ValueError):
    """The appointment's present status does not allow the action, or not to this actor, or no longer."""
