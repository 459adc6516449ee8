"""The calls, in order."""

from __future__ import annotations

from pathlib import Path

from greenroom_server import GreenroomServer
from recorded.history_calls import end, look_back
from recorded.play import Play
from recorded.profile_calls import keep_profiles
from recorded.session_calls import change_sessions, list_sessions, make_sessions, refuse_moves
from recorded.turn_calls import ask_for_permission, break_and_mend, run_turns

CALLS = 200

CHAPTERS = (
    keep_profiles,
    make_sessions,
    list_sessions,
    change_sessions,
    run_turns,
    ask_for_permission,
    break_and_mend,
    refuse_moves,
    look_back,
    end,
)


async def answers_of(server: GreenroomServer, work: Path) -> list[str]:
    """Make all calls to a new server whose sessions may work in `work`; return its CALLS answers."""
    play = Play(server, work)
    for chapter in CHAPTERS:
        await chapter(play)
    return play.recorder.lines
