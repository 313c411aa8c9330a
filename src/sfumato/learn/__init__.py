"""The learn half: everything that makes a model. It needs the extra `sfumato[train]`; the run half never imports it."""

try:
    import torch  # noqa: F401
except ModuleNotFoundError as missing:
    from sfumato.errors import MissingExtra

    raise MissingExtra(
        'Training, exporting and evaluating need the training extra: pip install "sfumato[train]"; importing models of '
        'others needs "sfumato[import]".'
    ) from missing
