"""Finds the part of the host's cgroup tree that we may divide, and prepares it for one group per process."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from greenroomd.processes.linux.cgroup import Cgroup

CONTROLLERS = ("memory", "cpu")
SERVER = "greenroom-server"
"""The group for the server itself: a group that is divided may hold no process."""


class NotDelegated(Exception):
    """There is no cgroup that we may divide; the text says why."""


@dataclass(frozen=True, slots=True)
class Cgroups:
    """A cgroup that we may divide."""

    root: Path
    """Its directory in the cgroup file system."""
    controllers: frozenset[str] = frozenset()
    """The controllers whose limits hold in the groups below it: `memory`, `cpu`, both or none."""
    why_not: str = ""
    """Why one of them does not; "" if both do."""

    def group(self, name: str) -> Cgroup:
        """Return the group of a name, not yet made."""
        return Cgroup(self.root / name, self.controllers)

    def named(self, prefix: str) -> Sequence[Cgroup]:
        """Return the existing groups whose names begin with `prefix`."""
        return [self.group(path.name) for path in sorted(self.root.glob(f"{prefix}*/"))]


def set_up_cgroups(directory: Path | None = None, proc: Path = Path("/proc/self")) -> Cgroups:
    """Divide the cgroup at `directory`, else the one that this process is in if it was delegated to us.

    In the second case this process moves into a group of its own below it. Raises NotDelegated. Call it before any
    other process is started.
    """
    own = _own(proc)
    if directory is None:
        directory = _delegated(own)
    _require(os.access(directory / "cgroup.procs", os.W_OK) and os.access(directory, os.W_OK), directory)
    if directory == own:
        _make_way(directory)
    groups = Cgroups(directory, *_enabled(directory))
    _try_out(groups)
    return groups


def _own(proc: Path) -> Path | None:
    """Return the directory of this process' cgroup, if the host has cgroup v2 and shows it."""
    entries = (line.split() for line in (proc / "mountinfo").read_text(encoding="utf-8").splitlines())
    mounts = [(entry[3], entry[4]) for entry in entries if entry[entry.index("-") + 1] == "cgroup2"]
    for line in (proc / "cgroup").read_text(encoding="utf-8").splitlines():
        hierarchy, _, path = line.partition("::")
        for shown, mount in mounts if hierarchy == "0" else ():
            if Path(path).is_relative_to(shown):
                return Path(mount) / Path(path).relative_to(shown)
    return None


def _delegated(own: Path | None) -> Path:
    """Return the cgroup that we were started in, if it was given to us."""
    if own is None:
        raise NotDelegated("the host has no cgroup v2")
    if own.name == SERVER:
        own = own.parent
    if not (own / "cgroup.type").exists():
        raise NotDelegated("the server runs in the root cgroup")
    if os.geteuid() == 0 and not _marked_as_delegated(own) and own.parent.joinpath("cgroup.type").exists():
        # root may write everywhere, so that this proves nothing
        raise NotDelegated("the server's cgroup belongs to the system's manager")
    return own


def _marked_as_delegated(own: Path) -> bool:
    """Return whether systemd marked the cgroup as delegated, as it does for a unit with `Delegate=yes`."""
    for name in ("trusted.delegate", "user.delegate"):
        with contextlib.suppress(OSError):
            if os.getxattr(own, name) == b"1":
                return True
    return False


def _require(writable: bool, directory: Path) -> None:
    if not directory.is_dir() or not (directory / "cgroup.procs").exists():
        raise NotDelegated(f"{directory} is not a directory of cgroup v2")
    if not writable:
        raise NotDelegated(f"the cgroup {directory} is not writable")


def _make_way(directory: Path) -> None:
    """Move this process out of a cgroup that is to be divided, unless other processes are in it too."""
    if {*Cgroup(directory).members()} - {os.getpid()}:
        return
    leaf = directory / SERVER
    try:
        leaf.mkdir(exist_ok=True)
        (leaf / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
    except OSError as error:
        raise NotDelegated(f"the cgroup {directory} cannot be divided: {error.strerror}") from None


def _enabled(directory: Path) -> tuple[frozenset[str], str]:
    """Enable the controllers in the groups below; return those that are enabled, and why another is not."""
    why_not = ""
    for controller in CONTROLLERS:
        if controller not in _words(directory / "cgroup.controllers"):
            why_not = f"the cgroup {directory} is not given the controller for it"
            continue
        try:
            (directory / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")
        except OSError as error:  # EBUSY: other processes are in it
            why_not = f"the cgroup {directory} cannot be divided: {error.strerror}"
    return frozenset(CONTROLLERS) & _words(directory / "cgroup.subtree_control"), why_not


def _try_out(groups: Cgroups) -> None:
    """Start a command in a group, as every process will be started; raises NotDelegated."""
    probe = groups.group(f"greenroom-probe-{os.getpid()}")
    try:
        probe.make()
        probe.limit(None, None)
        command = ["/bin/sh", "-c", 'echo 0 > "$0"', str(probe.entrance)]
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        said = (
            error.stderr.decode(errors="replace").strip()
            if isinstance(error, subprocess.CalledProcessError)
            else ""
        )
        raise NotDelegated(f"no process can be put into a group of {groups.root}: {said or error}") from None
    finally:
        probe.remove()


def _words(file: Path) -> set[str]:
    try:
        return set(file.read_text(encoding="ascii").split())
    except OSError:
        return set()
