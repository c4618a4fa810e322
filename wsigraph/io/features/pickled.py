"""Read the description of tensors in a ``.pt`` file without running it.

A ``.pt`` file holds a pickle, which is a small program. The few instructions that describe tensors are
followed here step by step, on plain values; every other instruction or class is refused.
``torch.load(weights_only=True)`` accepts more, and builds what it reads before its size can be judged.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LONGEST = 2**20
"""Bytes of a description; that of one tensor takes some hundreds."""
REBUILD = "torch._utils _rebuild_tensor_v2"
ORDERED = "collections OrderedDict"
STORAGES = {
    "torch FloatStorage": "<f4",
    "torch DoubleStorage": "<f8",
    "torch HalfStorage": "<f2",
    "torch BFloat16Storage": "bfloat16",
    "torch LongStorage": "<i8",
    "torch IntStorage": "<i4",
    "torch ShortStorage": "<i2",
    "torch CharStorage": "<i1",
    "torch ByteStorage": "<u1",
}


class NotTensorsError(Exception):
    """The pickle is damaged, or holds other things than tensors."""


@dataclass(frozen=True)
class Storage:
    """A run of numbers in the archive: its member's name, type and length."""

    key: str
    dtype: str
    length: int


@dataclass(frozen=True)
class TensorPlan:
    """A tensor as it is described: a view of a storage."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(frozen=True)
class _Name:
    """A class or function that the pickle names; it is never imported."""

    text: str


class _Mark:
    """Where a tuple, list or dict begins on the stack."""


@dataclass
class _Machine:
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def pop(self, kind: type = object) -> Any:
        value = self.stack.pop()
        if not isinstance(value, kind):
            raise NotTensorsError(f"a {type(value).__name__} where a {kind.__name__} belongs")
        return value

    def since_mark(self) -> list[Any]:
        values: list[Any] = []
        while not isinstance(self.stack[-1], _Mark):
            values.append(self.stack.pop())
        self.stack.pop()
        return values[::-1]

    def put(self, items: list[Any]) -> None:
        """Set pairs of the dict that lies on top."""
        owner = self.stack[-1]
        if not isinstance(owner, dict) or len(items) % 2:
            raise NotTensorsError("pairs without a dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, (str, int)):
                raise NotTensorsError("keys that are no text")
            owner[key] = value

    def extend(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise NotTensorsError("items without a list")
        self.stack[-1].extend(items)

    def call(self) -> None:
        arguments, what = self.pop(tuple), self.pop(_Name)
        if what.text == ORDERED and not arguments:
            self.stack.append({})
        elif what.text == REBUILD and len(arguments) >= 4:
            storage, offset, size, stride = arguments[:4]
            counts = (offset, *_sizes(size), *_sizes(stride))
            if not isinstance(storage, Storage) or not all(map(_is_count, counts)):
                raise NotTensorsError("a tensor of impossible sizes")
            self.stack.append(TensorPlan(storage, offset, size, stride))
        else:
            raise NotTensorsError(f"a call of '{what.text}'")

    def storage(self) -> None:
        what = self.pop(tuple)
        # before torch 1.6 a sixth part told views of storages, which nothing writes any more
        known = len(what) in (5, 6) and what[0] == "storage" and what[5:] in ((), (None,))
        if not known or not isinstance(what[1], _Name) or not _is_count(what[4]):
            raise NotTensorsError("a reference to something other than a storage")
        if what[1].text not in STORAGES or not isinstance(what[2], str):
            raise NotTensorsError(f"a storage of type '{what[1].text}'")
        self.stack.append(Storage(what[2], STORAGES[what[1].text], what[4]))


def describe(content: bytes) -> Any:
    """What a pickle of tensors describes: a ``TensorPlan``, or a dict, list or tuple of them.

    Raises: NotTensorsError: if it is damaged or holds anything else; the text says what.
    """
    if len(content) > LONGEST:
        raise NotTensorsError(f"a description of {len(content):,} bytes")
    return describe_first(content)[0]


def describe_first(content: bytes) -> tuple[Any, int]:
    """As :func:`describe`, of the first of several pickles that follow each other, and where it ends.

    Raises: NotTensorsError: if it is damaged, too long or holds anything else.
    """
    machine = _Machine()
    try:
        for code, argument, place in pickletools.genops(content[:LONGEST]):
            if code.name == "STOP":
                return machine.pop(), (place or 0) + 1
            _follow(machine, code.name, argument)
    except (ValueError, IndexError, KeyError, OverflowError, UnicodeDecodeError, TypeError) as error:
        raise NotTensorsError(f"a damaged description ({error})") from error
    raise NotTensorsError("a description without an end")


def _follow(machine: _Machine, name: str, argument: Any) -> None:
    stack, memo = machine.stack, machine.memo
    if name in ("BINPUT", "LONG_BINPUT"):
        memo[argument] = stack[-1]
    elif name == "MEMOIZE":
        memo[len(memo)] = stack[-1]
    elif name in ("BINGET", "LONG_BINGET"):
        stack.append(memo[argument])
    elif name in VALUES:
        stack.append(argument)
    elif name in MAKERS:
        MAKERS[name](machine)
    elif name == "GLOBAL":
        if argument not in (REBUILD, ORDERED, *STORAGES):
            raise NotTensorsError(f"an object of '{argument.replace(' ', '.')}'")
        stack.append(_Name(argument))
    elif name not in ("PROTO", "FRAME"):
        raise NotTensorsError(f"an instruction '{name}'")


VALUES = ("BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT")
MAKERS: dict[str, Callable[[_Machine], None]] = {
    "NONE": lambda m: m.stack.append(None),
    "NEWTRUE": lambda m: m.stack.append(True),
    "NEWFALSE": lambda m: m.stack.append(False),
    "MARK": lambda m: m.stack.append(_Mark()),
    "EMPTY_TUPLE": lambda m: m.stack.append(()),
    "EMPTY_LIST": lambda m: m.stack.append([]),
    "EMPTY_DICT": lambda m: m.stack.append({}),
    "TUPLE": lambda m: m.stack.append(tuple(m.since_mark())),
    "TUPLE1": lambda m: m.stack.append((m.pop(),)),
    "TUPLE2": lambda m: m.stack.append(tuple([m.pop(), m.pop()][::-1])),
    "TUPLE3": lambda m: m.stack.append(tuple([m.pop(), m.pop(), m.pop()][::-1])),
    "APPEND": lambda m: m.extend([m.pop()]),
    "APPENDS": lambda m: m.extend(m.since_mark()),
    "SETITEM": lambda m: m.put([m.pop(), m.pop()][::-1]),
    "SETITEMS": lambda m: m.put(m.since_mark()),
    "BINPERSID": lambda m: m.storage(),
    "REDUCE": lambda m: m.call(),
}


def _sizes(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) and len(value) <= 8 else (None,)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**62
