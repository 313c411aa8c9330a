"""Model files for Sfumato, each with its page; `sfumato.models.zoo` finds them where this package is installed."""

__version__ = "0.1.0"
