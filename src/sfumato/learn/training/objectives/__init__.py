"""What a run can learn, by name: one line for each."""

from sfumato.models.fields import known

from ..config import TrainConfig
from .adversarial import Adversarial
from .answering import Answering
from .autoencoding import Autoencoding
from .blur import BlurKernel
from .classification import Classification
from .colouring import Colouring
from .flow_matching import FlowMatching
from .latent_flow import LatentFlowMatching
from .latent_gan import LatentAdversarial
from .objective import Objective, Validation
from .paired import PairedPictures
from .restoration import Level, Restoration
from .segmentation import Segmentation
from .sequences import Sequences
from .sharpening import Sharpening
from .variational import Variational
from .video import Video

__all__ = ["OBJECTIVES", "Objective", "Validation", "objective_for"]

OBJECTIVES: dict[str, type[Objective]] = {
    "restoration": Restoration,
    "sharpening": Sharpening,
    "level": Level,
    "blur-kernel": BlurKernel,
    "segmentation": Segmentation,
    "colouring": Colouring,
    "adversarial": Adversarial,
    "variational": Variational,
    "autoencoding": Autoencoding,
    "flow": FlowMatching,
    "sequences": Sequences,
    "latent-flow": LatentFlowMatching,
    "latent-gan": LatentAdversarial,
    "paired": PairedPictures,
    "video": Video,
    "classification": Classification,
    "answering": Answering,
}


def objective_for(config: TrainConfig) -> Objective:
    """The objective that the config names; raises UsageError for settings that it does not have."""
    return OBJECTIVES[known(config.objective, OBJECTIVES, "objective")](config)  # type: ignore[call-arg]
