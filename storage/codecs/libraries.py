"""Codecs for values of machine-learning and plotting libraries, each in a format of its library's own.

A library is consulted only if it is loaded already: otherwise the value cannot be one of its own. To read, it is
imported then. None of these formats runs code when it is read.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from assetctl.lineage.identity.values.walk import type_name
from assetctl.storage.codecs.base import Encoded, NotEncodable
from assetctl.storage.codecs.netcdf import from_netcdf, netcdf_bytes


class LibraryCodec:
    """Values of some classes of one library, given by their full names, written and read by two functions.

    `is_all_there_is`: what is written is what counts of such a value, which has no other identity.
    """

    may_inline = False  # a file of a library's format is opened by its tools

    def __init__(
        self,
        name: str,
        extension: str,
        classes: tuple[str, ...],
        write: Callable[[Any], bytes],
        read: Callable[[bytes, str], Any],
        *,
        is_all_there_is: bool = False,
    ) -> None:
        self.name = name
        self.extension = extension
        self.classes = classes
        self._write = write
        self._read = read
        self._is_all_there_is = is_all_there_is

    def takes(self, value: object) -> bool:
        return type_name(type(value)) in self.classes

    def encode(self, value: Any, sink: BinaryIO) -> None:
        with _quiet():
            data = self._write(value)
            if self._is_all_there_is and self._write(self._read(data, type_name(type(value)))) != data:
                raise NotEncodable("it does not give the same value back: written again, that is other bytes")
        sink.write(data)

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        with _quiet():
            return self._read(stored.read(), kind.removeprefix("object:"))

    def is_lossless(self, value: Any) -> bool:
        return False


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep a library's warnings about its own formats from the person: what is lost is noticed by comparing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _xgboost_bytes(booster: Any) -> bytes:
    return bytes(booster.save_raw("ubj"))


def _xgboost(data: bytes, kind: str) -> Any:
    booster = importlib.import_module("xgboost").Booster()
    booster.load_model(bytearray(data))
    return booster


def _lightgbm_bytes(booster: Any) -> bytes:
    text: str = booster.model_to_string(num_iteration=-1)
    return text.encode()


def _lightgbm(data: bytes, kind: str) -> Any:
    return importlib.import_module("lightgbm").Booster(model_str=data.decode())


def _png_bytes(image: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format="PNG")
    return stream.getvalue()


def _png(data: bytes, kind: str) -> Any:
    with importlib.import_module("PIL.Image").open(io.BytesIO(data)) as image:
        return image.copy()


def _graph_bytes(graph: Any) -> bytes:
    described = importlib.import_module("networkx").node_link_data(graph, edges="edges")
    return json.dumps(described).encode()


def _graph(data: bytes, kind: str) -> Any:
    return importlib.import_module("networkx").node_link_graph(json.loads(data), edges="edges")


def _plotly_bytes(figure: Any) -> bytes:
    return json.dumps(json.loads(figure.to_json()), sort_keys=True).encode()  # of templates it forgets the order


def _plotly(data: bytes, kind: str) -> Any:
    return importlib.import_module("plotly.io").from_json(data.decode())


def _altair_bytes(chart: Any) -> bytes:
    text: str = chart.to_json()
    return text.encode()


def _altair(data: bytes, kind: str) -> Any:
    altair = importlib.import_module("altair")
    return getattr(altair, kind.rpartition(".")[2]).from_json(data.decode())


class TensorsCodec:
    """Tensors of PyTorch, alone or in a dict with string keys such as a `state_dict`, as safetensors."""

    name = "safetensors/1"
    extension = ".safetensors"
    may_inline = False

    def takes(self, value: object) -> bool:
        torch = sys.modules.get("torch")
        if torch is None or importlib.util.find_spec("safetensors") is None:
            return False
        if type_name(type(value)) not in {"dict", "collections.OrderedDict"}:
            return type(value) is torch.Tensor
        assert isinstance(value, dict)
        return bool(value) and all(type(k) is str and type(item) is torch.Tensor for k, item in value.items())

    def encode(self, value: Any, sink: BinaryIO) -> None:
        save = importlib.import_module("safetensors.torch").save
        tensors = value if isinstance(value, dict) else {"": value}
        if any(tensor.requires_grad or tensor.device.type != "cpu" for tensor in tensors.values()):
            raise NotEncodable("it has a tensor that needs gradients, or is on another device")
        about = {"keys": list(tensors), "versions": getattr(value, "_metadata", None)}
        # A tensor of its own each: of a slice, and of two that share memory, only what they show is kept.
        own = {name: tensor.contiguous().clone() for name, tensor in tensors.items()}
        sink.write(save(own, {"assetctl": json.dumps(about)}))

    def decode(self, stored: Encoded, kind: str, columns: tuple[str, ...]) -> Any:
        data = stored.read()
        tensors = importlib.import_module("safetensors.torch").load(data)
        if kind.removeprefix("object:") == "torch.Tensor":
            return tensors[""]
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        about = json.loads(header["__metadata__"]["assetctl"])
        if not kind.endswith("OrderedDict"):
            return {key: tensors[key] for key in about["keys"]}
        return _state_dict(tensors, about)

    def is_lossless(self, value: Any) -> bool:
        return False


def _state_dict(tensors: dict[str, Any], about: dict[str, Any]) -> Any:
    from collections import OrderedDict

    state = OrderedDict((key, tensors[key]) for key in about["keys"])
    if about["versions"] is not None:
        state._metadata = OrderedDict(about["versions"])  # type: ignore[attr-defined]  # as torch itself keeps it
    return state


LIBRARIES = (
    TensorsCodec(),
    LibraryCodec("xgboost/1", ".ubj", ("xgboost.core.Booster",), _xgboost_bytes, _xgboost),
    LibraryCodec("lightgbm/1", ".txt", ("lightgbm.basic.Booster",), _lightgbm_bytes, _lightgbm),
    LibraryCodec(
        "netcdf/1",
        ".nc",
        ("xarray.core.dataarray.DataArray", "xarray.core.dataset.Dataset"),
        netcdf_bytes,
        from_netcdf,
    ),
    LibraryCodec("png/1", ".png", ("PIL.Image.Image",), _png_bytes, _png),
    LibraryCodec(
        "node-link/1",
        ".json",
        tuple(
            f"networkx.classes.{module}.{name}"
            for module, name in (
                ("graph", "Graph"), ("digraph", "DiGraph"), ("multigraph", "MultiGraph"), ("multidigraph", "MultiDiGraph"),
            )
        ),
        _graph_bytes,
        _graph,
    ),
    LibraryCodec("plotly/1", ".json", ("plotly.graph_objs._figure.Figure",), _plotly_bytes, _plotly, is_all_there_is=True),
    LibraryCodec(
        "vega-lite/1",
        ".json",
        tuple(
            f"altair.vegalite.v{version}.api.{name}"
            for version in (5, 6)
            for name in ("Chart", "LayerChart", "HConcatChart", "VConcatChart", "ConcatChart", "FacetChart", "RepeatChart")
        ),
        _altair_bytes,
        _altair,
        is_all_there_is=True,
    ),
)  # fmt: skip
"""In the order in which they are tried; no two take the same value."""
