"""Count the import arrows between the rooms of the server's folders: `python docs/import_arrows.py [FOLDER…]`.

A room is a file or a folder directly in FOLDER. An arrow is there if any file of one room imports any file of another.
"""

import sys

import grimp

FOLDERS = ("app", "processes", "store", "rpc", "domain")


def arrows(graph: grimp.ImportGraph, rooms: set[str]) -> set[tuple[str, str]]:
    """Return the pairs of different rooms of which the first imports the second."""
    room_of = {each: room for room in rooms for each in {room} | graph.find_descendants(room)}
    return {
        (room_of[importer], room_of[imported])
        for importer in room_of
        for imported in graph.find_modules_directly_imported_by(importer) & room_of.keys()
        if room_of[importer] != room_of[imported]
    }


def main() -> None:
    """Print one line for each folder."""
    graph = grimp.build_graph("greenroomd")
    for folder in sys.argv[1:] or FOLDERS:
        rooms = graph.find_children(f"greenroomd.{folder}")
        print(f"{folder}: {len(arrows(graph, rooms))} arrows between {len(rooms)} rooms")


if __name__ == "__main__":
    main()
