"""No name of a server's file means two things: it stands once, or for a port and for what implements it."""

from collections import defaultdict
from pathlib import Path

SERVER = Path(__file__).parents[2] / "server/greenroomd"
EVERYWHERE = {"__init__", "__main__"}


def test_a_name_stands_twice_only_for_a_port_and_what_implements_it() -> None:
    rooms = defaultdict(list)
    for path in SERVER.rglob("*.py"):
        rooms[path.stem].append(path.parent.relative_to(SERVER).as_posix())
    assert len(rooms) > 200
    twice = {
        name: sorted(found) for name, found in rooms.items() if len(found) > 1 and name not in EVERYWHERE
    }
    assert {name: found for name, found in twice.items() if len(found) > 2 or "app/ports" not in found} == {}
