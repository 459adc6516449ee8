"""What is imported only where it is needed: most of a start is imports, and messages come without clients."""

import subprocess
import sys

import pytest

import greenroom


def loaded(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has after a statement."""
    program = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_server_on_sqlite_loads_nothing_that_it_does_not_need() -> None:
    unwanted = {"psycopg", "sqlalchemy.dialects.postgresql", "alembic", "httpx2", "greenroom.client"}
    unwanted |= {"jwt", "cryptography.x509"}  # for JSON Web Tokens and TLS
    assert loaded("import greenroomd.__main__") & unwanted == set()


def test_messages_come_without_the_clients() -> None:
    assert "grpc" not in loaded("from greenroom.v1 import session_pb2")


@pytest.mark.parametrize("name", greenroom.__all__)
def test_everything_of_the_package_is_there_and_listed(name: str) -> None:
    assert getattr(greenroom, name).__name__ == name
    assert name in dir(greenroom)


def test_what_is_not_there_is_told_as_of_any_module() -> None:
    with pytest.raises(AttributeError, match="module 'greenroom' has no attribute 'nobody'"):
        greenroom.nobody  # noqa: B018
    assert not hasattr(greenroom, "nobody")
