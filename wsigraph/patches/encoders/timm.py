"""Pretrained patch encoders by their timm name, with weights from the hub or from a file."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wsigraph.compat import mend_torchvision
from wsigraph.errors import (
    FeatureError,
    MissingExtraError,
    RecipeError,
    UnknownPartError,
    WeightsError,
    expected,
)
from wsigraph.patches.encoder import PatchEncoder, check_images

if TYPE_CHECKING:
    import torch

PRECISIONS = ("fp32", "fp16", "bf16")
SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")

INIT_SEED = 20_477
"""Random weights are drawn from this seed: the same control everywhere."""


class TimmEncoder(PatchEncoder, name="timm"):
    """The pooled features of a timm model, shown patches as its own configuration says.

    Args:
        model: timm's name, with its tag if it has one (``"resnet18.a1_in1k"``), or ``"hf-hub:owner/name"``.
        pretrained: Whether to load weights; without, they are random from a fixed seed, as a control.
        weights: A file to take them from instead of the hub: safetensors, or a torch file of plain tensors
            (read with ``weights_only=True``, so it cannot run code).
        batch: Patches at a time.
        device: ``"cpu"``, ``"cuda"`` ..., or ``"auto"``: the first GPU, else the CPU.
        precision: ``"fp32"``, ``"fp16"`` or ``"bf16"`` inside the model; on a CPU always fp32.
        model_args: Arguments of the model, for instance ``{"init_values": 1e-5}``.

    Shape: images ``[B, H, W, 3]`` uint8 -> ``[B, out_channels]`` float32.
    Raises: MissingExtraError: without timm. UnknownPartError: if timm has no such model. WeightsError: if
        weights cannot be fetched, or do not fit. FeatureError: if a feature is not finite.
    """

    def __init__(
        self,
        model: str,
        *,
        pretrained: bool = True,
        weights: str | Path | None = None,
        batch: int = 64,
        device: str = "auto",
        precision: str = "fp16",
        model_args: dict[str, Any] | None = None,
    ) -> None:
        import torch

        from wsigraph.patches.preprocess import Preprocess

        if precision not in PRECISIONS:
            raise RecipeError(
                expected(f"timm:{model}", f"precision among {list(PRECISIONS)}", f"'{precision}'")
            )
        if batch < 1:
            raise RecipeError(expected(f"timm:{model}", "a batch of at least 1 patch", f"{batch}"))
        timm = import_timm()
        arguments = {"num_classes": 0, **(model_args or {})}
        self.model_name = model
        self.batch = batch
        self.device = torch.device(_device(device))
        self.precision = precision
        self._model = _build(timm, model, pretrained=pretrained, weights=weights, arguments=arguments)
        self._model = self._model.eval().requires_grad_(False).to(self.device)
        size = {"img_size": arguments.get("img_size")}
        self.preprocess = Preprocess.from_config(timm.data.resolve_model_data_config(self._model, args=size))
        from_hub = pretrained and weights is None and not model_args
        self._digest = "" if from_hub else "@" + _digest(self._model, arguments)
        self.out_channels = self._features(np.zeros((1, 32, 32, 3), np.uint8)).shape[1]

    @property
    def full_name(self) -> str:
        """``timm:<model>``, and ``@<digest of the weights>`` where they are not the hub's."""
        return f"timm:{self.model_name}{self._digest}"

    def encode(self, images: np.ndarray) -> np.ndarray:
        check_images(images, where=f"Patch encoder '{self.full_name}'")
        rows = np.empty((len(images), self.out_channels), np.float32)
        for start in range(0, len(images), self.batch):
            rows[start : start + self.batch] = self._features(images[start : start + self.batch])
        return rows

    def _features(self, images: np.ndarray) -> np.ndarray:
        """One batch, in the model's precision on a GPU."""
        import torch

        half = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(self.precision)
        on_gpu = self.device.type == "cuda" and half is not None
        pixels = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        with torch.inference_mode(), torch.autocast(self.device.type, dtype=half, enabled=on_gpu):
            features = self._model(self.preprocess(pixels))
        where = f"Patch encoder '{self.full_name}'"
        if features.ndim != 2:
            todo = "Choose a model, or model_args, that pool the patch into one row."
            raise RecipeError(expected(where, "features [B, C]", f"{list(features.shape)}", todo=todo))
        if not bool(torch.isfinite(features).all()):
            used = self.precision if on_gpu else "fp32"
            todo = "Check the weights." if used == "fp32" else "Encode with precision 'bf16' or 'fp32'."
            raise FeatureError(expected(where, "finite features", f"NaN or inf in {used}", todo=todo))
        return features.float().cpu().numpy()


def import_timm() -> Any:
    """timm with its ``data`` module.

    Raises: MissingExtraError: if it is not installed, or its torchvision does not fit torch.
    """
    install = "pip install wsigraph[encoders]"
    mend_torchvision()
    try:
        import timm
        import timm.data
    except ImportError as error:
        raise MissingExtraError(
            expected("Patch encoder 'timm'", "timm installed", f"'{error}'", todo=f"Run: {install}")
        ) from error
    except RuntimeError as error:
        todo = "Install torch and torchvision from the same index (both CPU, or both CUDA)."
        raise MissingExtraError(
            expected("Patch encoder 'timm'", "a torchvision built for this torch", f"'{error}'", todo=todo)
        ) from error
    return timm


def check_model(timm: Any, name: str) -> None:
    """Refuse a name that timm does not have; the hub's names (``hf-hub:...``) are not looked up.

    Raises: UnknownPartError: naming the closest.
    """
    if ":" not in name and not timm.is_model(name):
        close = difflib.get_close_matches(name.partition(".")[0], timm.list_models(), n=3)
        todo = f"Did you mean {close}?" if close else "timm.list_models() lists them."
        raise UnknownPartError(expected("Patch encoder 'timm'", "a model timm has", f"'{name}'", todo=todo))


def _device(name: str) -> str:
    import torch

    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def _build(
    timm: Any, name: str, *, pretrained: bool, weights: str | Path | None, arguments: dict[str, Any]
) -> torch.nn.Module:
    """The model with the weights asked for."""
    check_model(timm, name)
    if weights is not None:
        return _from_file(timm, name, Path(weights), arguments)
    if not pretrained:
        return _seeded(timm, name, arguments)
    try:
        model: torch.nn.Module = timm.create_model(name, pretrained=True, **arguments)
    except Exception as error:  # every hub client and version has errors of its own
        todo = (
            "Check the network and, for a gated model, the hub's access token; or fetch the file elsewhere "
            "and pass weights=<file.safetensors> with the model's plain timm name."
        )
        got = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0].rstrip('.')}"
        raise WeightsError(
            expected(f"timm:{name}", "pretrained weights from the hub", got, todo=todo)
        ) from error
    return model


def _seeded(timm: Any, name: str, arguments: dict[str, Any], **options: Any) -> torch.nn.Module:
    """The model over initial weights that are always the same; the caller's random state is untouched."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(INIT_SEED)
        model: torch.nn.Module = timm.create_model(name, **options, **arguments)
    return model


def _from_file(timm: Any, name: str, path: Path, arguments: dict[str, Any]) -> torch.nn.Module:
    """The model with the weights of a file, each of which must have been there."""
    where = f"timm:{name}"
    if not path.is_file():
        raise WeightsError(expected(where, f"a weights file at '{path}'", "no such file"))
    if path.suffix not in SUFFIXES:
        raise WeightsError(expected(where, f"weights in one of {list(SUFFIXES)}", f"'{path.name}'"))
    overlay = {"file": str(path), "source": "", "custom_load": False}
    try:
        model = _seeded(timm, name, arguments, pretrained=True, pretrained_cfg_overlay=overlay)
    except Exception as error:  # safetensors, pickle and shape errors share no base class
        got = f"{type(error).__name__}: {str(error).strip()[:300].rstrip('.')}"
        raise WeightsError(expected(where, f"weights that fit, in '{path.name}'", got)) from error
    # timm passes over missing tensors in silence; those still hold their seeded initial values.
    initial = _seeded(timm, name, arguments).state_dict()
    left = [
        key
        for key, value in model.state_dict().items()
        if value.unique().numel() > 1 and value.equal(initial[key])
    ]
    if left:
        got = f"none for {len(left)} of {len(initial)}, such as '{left[0]}'"
        raise WeightsError(expected(where, f"a tensor for each of the model's in '{path.name}'", got))
    return model


def _digest(model: torch.nn.Module, arguments: dict[str, Any]) -> str:
    """Eight hexadecimal digits that name these weights and arguments."""
    digest = hashlib.sha256(repr(sorted(arguments.items())).encode())
    for key, value in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().float().numpy().tobytes())
    return digest.hexdigest()[:8]
