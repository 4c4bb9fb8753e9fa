"""Identity of PyTorch's values: tensors by their elements, modules and optimizers by their state.

A tensor on another device counts by its elements; a view, or a tensor in another memory layout, as its copy does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.utils.data

from assetctl.lineage.identity.encode import Framed
from assetctl.lineage.identity.values.walk import Child, Encoder, Walk, is_of, state_of

_LAYOUTS = (torch.strided, torch.sparse_coo)


def _write_tensor(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    if not is_of(type(value), "torch") or value.layout not in _LAYOUTS or value.is_quantized or value.is_meta:
        walk.refuse(value)
    out.tag("torch.Tensor").text(type(value).__name__).text(str(value.dtype)).boolean(value.requires_grad)
    out.text(str(tuple(value.shape)))
    if value.layout is torch.sparse_coo:
        yield out.tag("sparse").boolean(value.is_coalesced()), value.detach()._indices(), "._indices()"
        yield out, value.detach()._values(), "._values()"
        return
    flat = value.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    out.raw(flat.view(torch.uint8).numpy().data if flat.numel() else b"")
    yield out, {name: item for name, item in vars(value).items() if item is not None}, ".__dict__"


def _write_of_state(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    walk.class_of(out.tag("torch.object"), type(value))
    state = state_of(value)
    out.length(len(state))
    for name in sorted(state):
        yield out.text(name), state[name], f".{name}"


def _write_optimizer(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    walk.class_of(out.tag("torch.Optimizer"), type(value))
    yield out, value.state_dict(), ".state_dict()"
    yield out, [group["params"] for group in value.param_groups], ".param_groups"


def _write_generator(walk: Walk, out: Framed, value: Any) -> Iterator[Child]:
    out.tag("torch.Generator").text(str(value.device))
    yield out, value.get_state(), ".get_state()"


def _write_shown(walk: Walk, out: Framed, value: Any) -> None:
    out.tag("torch").text(type(value).__name__).text(str(value))


def encoders() -> dict[type, Encoder]:
    """Return how torch's classes are written."""
    of_state = Encoder(_write_of_state, is_compound=True, whole=True, after_code=True)
    loading = [getattr(torch.utils.data, name) for name in ("DataLoader", "Dataset", "Sampler")]
    shown = Encoder(_write_shown, after_code=True)
    return {
        torch.Tensor: Encoder(_write_tensor, is_compound=True, whole=True, after_code=True),
        torch.nn.Module: of_state,
        **dict.fromkeys(loading, of_state),
        torch.optim.Optimizer: Encoder(_write_optimizer, is_compound=True, whole=True, after_code=True),
        torch.Generator: Encoder(_write_generator, is_compound=True, after_code=True),
        **dict.fromkeys((torch.dtype, torch.device, torch.layout, torch.memory_format), shown),
    }
