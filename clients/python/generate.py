# /// script
# requires-python = ">=3.11"
# dependencies = ["grpcio-tools==1.76.0", "mypy-protobuf==5.1.0", "protobuf==6.33.6"]
# ///
"""Write the Python code of `greenroom.v1` into a directory: `uv run clients/python/generate.py OUTPUT`.

The versions above are pinned here and nowhere else. Generated code refuses a grpcio or protobuf older than
those it was made with, so they are the oldest that the `greenroom` package supports; `uv run` keeps them in
an environment of their own, beside the newer ones that the server runs on.
"""

import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parents[2] / "protos"
PLUGINS = Path(sys.executable).parent


def generate(output: Path) -> None:
    """Write `greenroom/v1/*_pb2*` below *output*, which must exist; raise SystemExit when protoc fails."""
    sources = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("greenroom/**/*.proto"))
    services = [source for source in sources if source.endswith("_service.proto")]
    compile_protos(sources, f"--python_out={output}", f"--mypy_out=quiet:{output}")
    compile_protos(services, f"--grpc_python_out={output}", f"--mypy_grpc_out=quiet:{output}")


def compile_protos(sources: list[str], *outputs: str) -> None:
    """Run protoc once; raise SystemExit when it fails."""
    status = protoc.main(
        [
            "protoc",
            f"--plugin=protoc-gen-mypy={PLUGINS / 'protoc-gen-mypy'}",
            f"--plugin=protoc-gen-mypy_grpc={PLUGINS / 'protoc-gen-mypy_grpc'}",
            f"--proto_path={PROTOS}",
            f"--proto_path={files('grpc_tools') / '_proto'}",
            *outputs,
            *sources,
        ]
    )
    if status:
        raise SystemExit(status)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    generate(Path(sys.argv[1]))
