#!/usr/bin/env bash
# Two `claude` processes on one session: the one that EXITS last decides which conversation `--resume` continues.
#
# Version: Claude Code 2.1.332 (claude-agent-sdk 0.2.189), 2026-11-30.
# A second process on the same session (a failover that came too early, a user who resumes by hand) is neither refused
# nor locked out: both append to one transcript file. One expects the newest message to be the end of the session, or
# both histories in order. But the file is a tree, and what `--resume` takes for its tip is a record that each process
# writes when it exits in good order (stdin closed). So a stale process that only sits there, and is shut down cleanly
# long after its successor, takes the session back to its own last message: all that the successor did is gone from the
# model's history, although every line is still in the file. Ending the stale process with SIGKILL does no harm.
#
# Output seen ("new" talked last in each run):
#   old ends first, then new: a resumed session remembers ['start', 'old-1', 'new-1', 'new-2'] -> ...
# see the assertion below for the four outcomes.
set -euo pipefail
