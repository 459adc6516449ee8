"""Converts google.protobuf.Struct to plain JSON values and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Struct, Value

from greenroomd.domain.config import JsonObject

# One level of JSON takes up to three levels of messages, and protobuf parsers stop at 100 levels. Deeper values become
# JSON text. 25 leaves room for the messages around the Struct.
MAX_DEPTH = 25
_EXACT = 2**53


def json_of(message: Struct) -> JsonObject:
    """Return a Struct as an object, whole numbers as int. NaN and infinity stay: the domain's rules refuse them."""
    return {name: _value_of(value) for name, value in message.fields.items()}


def struct(value: JsonObject) -> Struct:
    """Return a JSON object as a Struct.

    A number beyond the range of a double, and a value nested deeper than MAX_DEPTH, becomes JSON text.
    """
    message = Struct()
    _fill_object(message, value, 1)
    return message


def wire_text(value: str) -> str:
    """Return text that protobuf accepts: lone surrogates, which JSON can carry, are replaced."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _value_of(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) <= _EXACT else number
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return json_of(value.struct_value)
        case "list_value":
            return [_value_of(item) for item in value.list_value.values]
        case _:
            return None


def _fill_object(message: Struct, value: Mapping[str, Any], depth: int) -> None:
    fields = message.fields
    for name, item in value.items():
        _fill(fields[wire_text(str(name))], item, depth)


def _fill_list(message: ListValue, items: list[Any] | tuple[Any, ...], depth: int) -> None:
    for item in items:
        _fill(message.values.add(), item, depth)


def _fill(target: Value, item: Any, depth: int) -> None:
    if isinstance(item, str):
        target.string_value = wire_text(item)
    elif item is None:
        target.null_value = 0  # type: ignore[assignment]
    elif isinstance(item, bool):
        target.bool_value = item
    elif isinstance(item, int | float):
        _fill_number(target, item)
    elif depth >= MAX_DEPTH:
        target.string_value = wire_text(json.dumps(item, ensure_ascii=False, default=dict))
    elif isinstance(item, Mapping):
        target.struct_value.SetInParent()
        _fill_object(target.struct_value, item, depth + 1)
    else:
        target.list_value.SetInParent()
        _fill_list(target.list_value, item, depth + 1)


def _fill_number(target: Value, number: float) -> None:
    try:
        target.number_value = float(number)
    except OverflowError:
        target.string_value = str(number)
    else:
        if not math.isfinite(
            target.number_value
        ):  # Python's JSON reader takes NaN, the contract's JSON form does not
            target.string_value = str(number)
