"""Every RPC of the contract, from the files that the clients get."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

import greenroom.v1


def _services() -> Iterator[ServiceDescriptor]:
    for module in pkgutil.iter_modules(greenroom.v1.__path__):
        if module.name.endswith("_service_pb2"):
            file = importlib.import_module(f"greenroom.v1.{module.name}").DESCRIPTOR
            yield from file.services_by_name.values()


RPCS: Mapping[str, MethodDescriptor] = {
    f"{service.name}/{method.name}": method for service in _services() for method in service.methods
}
"""By `Service/Method`."""
