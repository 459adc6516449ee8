from pathlib import Path

import pytest

from fake_cli.installed import install
from greenroomd.domain.errors import CliMissing, CliTooOld
from greenroomd.processes.claude import discovery
from greenroomd.processes.claude.discovery import FoundCli, find_cli

SYSTEM = "/usr/bin:/bin"


@pytest.fixture
def not_bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def a_cli(directory: Path, version: str = "2.1.330") -> Path:
    directory.mkdir()
    return install(directory, version)


async def test_the_setting_comes_first(tmp_path: Path) -> None:
    by_setting, on_path = a_cli(tmp_path / "setting", "2.2.0"), a_cli(tmp_path / "path")
    assert await find_cli(by_setting, f"{on_path.parent}:{SYSTEM}") == FoundCli(by_setting, "2.2.0")


async def test_then_path(tmp_path: Path) -> None:
    on_path = a_cli(tmp_path / "path", "10.0.0")
    assert await find_cli(None, f"{on_path.parent}:{SYSTEM}") == FoundCli(on_path, "10.0.0")


async def test_then_the_one_inside_the_package() -> None:
    found = await find_cli(None, SYSTEM)
    assert found.path.parts[-3:] == ("claude_agent_sdk", "_bundled", "claude")
    assert tuple(map(int, found.version.split("."))) >= discovery.MINIMUM_VERSION


async def test_one_on_path_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    on_path = a_cli(tmp_path / "path", "2.1.99")
    assert "_bundled" in (await find_cli(None, f"{on_path.parent}:{SYSTEM}")).path.parts


async def test_one_of_the_setting_that_is_too_old_is_an_error(tmp_path: Path) -> None:
    by_setting = a_cli(tmp_path / "setting", "2.1.99")
    with pytest.raises(CliTooOld) as old:
        await find_cli(by_setting, SYSTEM)
    assert str(old.value) == (
        f"the claude CLI is too old: {by_setting} (GREENROOM_CLAUDE_PATH) is version 2.1.99; "
        "install version 2.1.330 or later, or set GREENROOM_CLAUDE_PATH to one"
    )


@pytest.mark.usefixtures("not_bundled")
async def test_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(
        CliMissing, match="there is none on PATH, and the package claude-agent-sdk is not inst"
    ):
        await find_cli(None, str(tmp_path))


@pytest.mark.parametrize(
    "program", ["", "#!/bin/sh\necho hello\n", "#!/bin/sh\nexit 1\n", "#!/nonexistent\n"]
)
async def test_what_is_no_claude(tmp_path: Path, program: str) -> None:
    path = tmp_path / "claude"
    path.write_text(program)
    path.chmod(0o755)
    with pytest.raises(CliMissing, match="cannot be run"):
        await find_cli(path, SYSTEM)


async def test_one_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_VERSION_TIMEOUT", 0.01 * discovery._VERSION_TIMEOUT)
    path = tmp_path / "claude"
    path.write_text("#!/bin/sh\nexec sleep 60\n")
    path.chmod(0o755)
    with pytest.raises(CliMissing, match="cannot be run"):
        await find_cli(path, SYSTEM)
