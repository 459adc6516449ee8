"""The source archive holds the server's sources, whatever else a checkout has gathered."""

import shutil
import tarfile
from pathlib import Path

from hatchling.builders.sdist import SdistBuilder

REPOSITORY = Path(__file__).parents[2]
GATHERED = (
    "clients/typescript/node_modules/a/index.js",
    "clients/rust/target/debug/a",
    "build/a",
    "notes.txt",
)
SOURCES = ("server/greenroomd/__main__.py", "protos/greenroom/v1/a.proto", "docs/api.md")
FILES = ("README.md", "LICENSE", "pyproject.toml", ".gitignore", "requirements.lock")


def test_a_used_checkout_is_not_packed(tmp_path: Path) -> None:
    for name in FILES:
        shutil.copy(REPOSITORY / name, tmp_path)
    for name in (*GATHERED, *SOURCES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (archive,) = SdistBuilder(str(tmp_path)).build(directory=str(tmp_path / "dist"))
    with tarfile.open(archive) as opened:
        packed = {name.partition("/")[2] for name in opened.getnames()}
    assert packed == {*FILES, *SOURCES, "PKG-INFO"}
