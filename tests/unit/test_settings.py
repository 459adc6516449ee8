"""What an operator may write, what is refused, and what is never shown."""

import pwd
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from greenroomd.domain.events import EventType
from greenroomd.settings.addresses import HostPort
from greenroomd.settings.host_defaults import connections_that_fit, processes_that_fit
from greenroomd.settings.load import SettingsError, load_settings
from greenroomd.settings.record import Settings


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    return sorted(refused.value.problems)


def toml(path: Path, text: str) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    return {"GREENROOM_CONFIG": str(path)}


def test_without_any_setting_the_server_is_local_and_stores_in_the_users_state_directory() -> None:
    settings = load_settings({})
    state_dir = Path.home() / ".local/state/greenroom"
    assert settings.listen == "127.0.0.1:50051"
    assert settings.state_dir == state_dir
    assert settings.database_url.get_secret_value() == f"sqlite:///{state_dir}/greenroom.db"
    assert settings.allowed_roots == (state_dir / "work",)
    assert settings.metrics_listen is None
    assert settings.cli_environment == {}


def test_the_state_directory_follows_xdg_and_all_defaults_follow_it() -> None:
    settings = load_settings({"XDG_STATE_HOME": "/var/state"})
    assert settings.state_dir == Path("/var/state/greenroom")
    assert settings.allowed_roots == (Path("/var/state/greenroom/work"),)
    assert load_settings({"XDG_STATE_HOME": "relative"}) == load_settings({}), "the XDG rules say: ignore it"
    given_too = {"XDG_STATE_HOME": "/var/state", "GREENROOM_STATE_DIR": "/srv/greenroom"}
    assert load_settings(given_too).state_dir == Path("/srv/greenroom")


def test_a_user_without_a_home_directory_has_to_name_the_state_directory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody(_uid: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert problems({}) == [
        "GREENROOM_STATE_DIR: must be set, since this user has no home directory and HOME is not set"
    ]
    assert load_settings({"GREENROOM_STATE_DIR": "/srv/greenroom"}).state_dir == Path("/srv/greenroom")


def test_options_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    environ = toml(
        tmp_path / "greenroom.toml",
        """
        listen = "127.0.0.1:1"
        idle_timeout = "2h"
        turn_timeout = 90
        allowed_roots = ["/srv/a", "/srv/b"]
        [cli_environment]
        ANTHROPIC_BASE_URL = "http://127.0.0.1:9"
        """,
    )
    environ |= {"GREENROOM_LISTEN": "127.0.0.1:2", "GREENROOM_IDLE_TIMEOUT": "3h", "GREENROOM_SLOT_WAIT": ""}
    settings = load_settings(environ, listen="127.0.0.1:3")
    assert settings.listen == "127.0.0.1:3"
    assert settings.idle_timeout == timedelta(hours=3)
    assert settings.turn_timeout == timedelta(seconds=90)
    assert settings.slot_wait == Settings().slot_wait, "an empty variable counts as absent"
    assert settings.allowed_roots == (Path("/srv/a"), Path("/srv/b"))
    assert settings.cli_environment["ANTHROPIC_BASE_URL"].get_secret_value() == "http://127.0.0.1:9"


def test_the_environment_spells_lists_with_colons_and_tables_as_json() -> None:
    settings = load_settings(
        {
            "GREENROOM_ALLOWED_ROOTS": "/srv/a:/srv/b",
            "GREENROOM_CLI_ENVIRONMENT": '{"HTTPS_PROXY": "http://proxy"}',
            "GREENROOM_METRICS_LISTEN": "[::1]:9090",
            "GREENROOM_LISTEN": "unix:/run/greenroom.sock",
        }
    )
    assert settings.allowed_roots == (Path("/srv/a"), Path("/srv/b"))
    assert settings.cli_environment["HTTPS_PROXY"].get_secret_value() == "http://proxy"
    assert settings.metrics_listen == HostPort("::1", 9090)
    assert settings.listen == "unix:/run/greenroom.sock"


def test_every_problem_is_listed_at_once_under_the_name_that_was_written(tmp_path: Path) -> None:
    environ = toml(tmp_path / "c.toml", 'idle_timout = "1m"\nretention_events = 0\n')
    environ |= {
        "GREENROOM_LISTN": "127.0.0.1:1",
        "GREENROOM_MAX_PROCESSES": "many",
        "GREENROOM_STATE_DIR": "state",
        "GREENROOM_TURN_TIMEOUT": "soon",
        "GREENROOM_STALL_TIMEOUT": "0",
        "GREENROOM_LOG_LEVEL": "chatty",
        "GREENROOM_CLI_ENVIRONMENT": '{"A-B": "x", "PORT": 5}',
    }
    found = problems(environ)
    named = [problem.partition(":")[0] for problem in found]
    assert named == [
        "GREENROOM_CLI_ENVIRONMENT.A-B",
        "GREENROOM_CLI_ENVIRONMENT.PORT",
        "GREENROOM_LISTN",
        "GREENROOM_LOG_LEVEL",
        "GREENROOM_MAX_PROCESSES",
        "GREENROOM_STALL_TIMEOUT",
        "GREENROOM_STATE_DIR",
        "GREENROOM_TURN_TIMEOUT",
        f"idle_timout in {tmp_path}/c.toml",
        f"retention_events in {tmp_path}/c.toml",
    ]
    assert "did you mean GREENROOM_LISTEN?" in found[2]
    assert "did you mean idle_timeout?" in found[8]


@pytest.mark.parametrize("text", ["listen = ", "\x00", None], ids=["syntax", "bytes", "missing"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "c.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    (problem,) = problems({"GREENROOM_CONFIG": str(path)})
    assert problem.startswith(f"GREENROOM_CONFIG: cannot read {path}")


@pytest.mark.parametrize("variable", ["GREENROOM_LISTEN", "GREENROOM_METRICS_LISTEN"])
@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "192.168.1.5:1", "example.org:1"])
def test_an_address_that_others_can_reach_is_refused(variable: str, address: str) -> None:
    (problem,) = problems({variable: address})
    assert problem.startswith(f"{variable}: ")
    assert "is not a loopback address" in problem
    assert "insecure = true" in problem
    load_settings({variable: address, "GREENROOM_INSECURE": "true"})


def test_an_open_address_is_told_what_it_lacks() -> None:
    files = {"GREENROOM_TLS_CERT_FILE": "/tls/tls.crt", "GREENROOM_TLS_KEY_FILE": "/tls/tls.key"}
    everywhere, callers = {"GREENROOM_LISTEN": "0.0.0.0:1"}, {"GREENROOM_AUTHENTICATION": "token"}
    (bare,) = problems(everywhere)
    assert "Set tls_cert_file with tls_key_file and authentication; or insecure = true" in bare
    (encrypted,) = problems(everywhere | files)
    assert "Set authentication; or insecure = true" in encrypted
    (readable,) = problems(everywhere | callers)
    assert "Set tls_cert_file with tls_key_file; or insecure = true" in readable
    assert load_settings(everywhere | files | callers).listen == "0.0.0.0:1"


def test_the_files_of_tls_belong_together() -> None:
    key, certificate = {"GREENROOM_TLS_KEY_FILE": "/k"}, {"GREENROOM_TLS_CERT_FILE": "/c"}
    authority = {"GREENROOM_TLS_CLIENT_CA_FILE": "/a"}
    assert problems(key) == ["GREENROOM_TLS_KEY_FILE: should be set together with tls_cert_file"]
    assert problems(certificate) == ["tls_key_file: should be set together with tls_cert_file"]
    assert problems(authority) == ["GREENROOM_TLS_CLIENT_CA_FILE: needs tls_cert_file and tls_key_file"]
    assert load_settings(key | certificate | authority).tls_client_ca_file == Path("/a")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.0.0.1:99999", "::1:50051", ":1", "unix:relative", "http://x"]
)
def test_an_address_without_meaning_is_refused(address: str) -> None:
    (problem,) = problems({"GREENROOM_LISTEN": address})
    assert problem.startswith("GREENROOM_LISTEN: should be")


@pytest.mark.parametrize("address", ["localhost:0", "127.8.9.1:1", "[::1]:65535"])
def test_every_spelling_of_this_machine_is_taken(address: str) -> None:
    assert load_settings({"GREENROOM_LISTEN": address}).listen == address
    assert str(load_settings({"GREENROOM_METRICS_LISTEN": address}).metrics_listen) == address


@pytest.mark.parametrize("url", ["mysql://h/d", "postgresql://h/d", "greenroom.db"])
def test_only_the_two_databases_are_taken(url: str) -> None:
    (problem,) = problems({"GREENROOM_DATABASE_URL": url})
    assert problem == "GREENROOM_DATABASE_URL: should start with sqlite:// or postgresql+psycopg://"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "postgresql+psycopg://me:geheim@[::1]:5432/db?host=/p&password=geheim",
            "postgresql+psycopg://me:***@[::1]:5432/db?host=/p&password=***",
        ),
        ("postgresql+psycopg://me:ge/he@im@host/db", "postgresql+psycopg://me:***@host/db"),
        ("postgresql+psycopg:///db?Password=geheim&user=me", "postgresql+psycopg:///db?Password=***&user=me"),
    ],
)
def test_no_rendering_shows_a_secret(url: str, shown: str) -> None:
    environ = {
        "GREENROOM_DATABASE_URL": url,
        "GREENROOM_CLI_ENVIRONMENT": '{"ANTHROPIC_API_KEY": "geheim", "HTTPS_PROXY": "http://u:geheim@p"}',
    }
    settings = load_settings(environ)
    rendered = settings.redacted()
    assert rendered.keys() == Settings.model_fields.keys()
    assert rendered["database_url"] == shown
    assert rendered["cli_environment"] == "ANTHROPIC_API_KEY=***, HTTPS_PROXY=***"
    assert "geheim" not in f"{settings!r} {settings} {settings.model_dump_json()}"


@pytest.mark.parametrize(
    "environ",
    [
        {"GREENROOM_DATABASE_URL": "mysql://me:geheim@h"},
        {"GREENROOM_CLI_ENVIRONMENT": "ANTHROPIC_API_KEY=geheim"},
        {"GREENROOM_CLI_ENVIRONMENT": '["geheim"]'},
        {"GREENROOM_CLI_ENVIRONMENT": '{"K": ["geheim"]}'},
    ],
)
def test_no_complaint_shows_a_secret(environ: dict[str, str]) -> None:
    assert "geheim" not in str(problems(environ))


def test_redacted_shows_all_else_as_it_is_written() -> None:
    shown = load_settings(
        {
            "GREENROOM_STATE_DIR": "/srv/g",
            "GREENROOM_ALLOWED_ROOTS": "/a:/b",
            "GREENROOM_METRICS_LISTEN": "127.0.0.1:9",
        }
    ).redacted()
    assert shown["state_dir"] == "/srv/g"
    assert shown["database_url"] == "sqlite:////srv/g/greenroom.db"
    assert shown["allowed_roots"] == "/a:/b"
    assert shown["metrics_listen"] == "127.0.0.1:9"
    assert shown["idle_timeout"] == "15m"
    assert shown["claude_path"] == ""


@given(st.integers(min_value=1, max_value=10**12))
def test_a_time_reads_back_as_it_is_shown(milliseconds: int) -> None:
    settings = load_settings({"GREENROOM_IDLE_TIMEOUT": f"{milliseconds}ms"})
    assert settings.idle_timeout == timedelta(milliseconds=milliseconds)
    assert load_settings({"GREENROOM_IDLE_TIMEOUT": settings.redacted()["idle_timeout"]}) == settings


def test_settings_cannot_be_changed() -> None:
    settings = load_settings({})
    with pytest.raises(ValidationError, match="frozen"):
        settings.listen = "127.0.0.1:9"  # type: ignore[misc]  # that this is an error is what is tested


@pytest.mark.parametrize(
    ("cores", "memory", "processes"),
    [(2, 24 * 2**30, 8), (64, 4 * 2**30, 14), (1, 2**28, 1), (1, 2**40, 4)],
)
def test_the_pool_is_as_large_as_cores_and_memory_allow(cores: int, memory: int, processes: int) -> None:
    assert processes_that_fit(cores, memory) == processes


@pytest.mark.parametrize(
    ("descriptors", "processes", "connections"),
    [(2**20, 8, 16_384), (1024, 8, 512), (256, 8, 92), (1024, 100, 124), (64, 8, 64), (4096, 600, 64)],
)
def test_clients_may_have_the_descriptors_that_nobody_else_needs(
    descriptors: int, processes: int, connections: int
) -> None:
    assert connections_that_fit(descriptors, processes) == connections


SIGNED = {"GREENROOM_WEBHOOK_SECRET": "a secret of thirty-two characters"}


@pytest.mark.parametrize(
    "url", ["https://example.org/hook", "http://127.0.0.1:8080/hook", "http://[::1]/", "http://localhost/x"]
)
def test_a_webhook_goes_to_https_or_to_this_machine(url: str) -> None:
    settings = load_settings({**SIGNED, "GREENROOM_WEBHOOK_URL": url})
    assert settings.webhook_url is not None
    assert settings.webhook_url.get_secret_value() == url
    assert url not in str(settings.redacted()), "many a receiver's URL is its key"


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.internal/",
        "ftp://receiver.internal/",
        "https://",
        "receiver.internal",
        "http://localhost.org/",
        "https://receiver.internal:port/",
    ],
)
def test_any_other_receiver_is_refused(url: str) -> None:
    (problem,) = problems({**SIGNED, "GREENROOM_WEBHOOK_URL": url})
    assert problem.startswith("GREENROOM_WEBHOOK_URL: ")
    assert "receiver.internal" not in problem


def test_a_webhook_without_tls_has_to_be_asked_for() -> None:
    url = {"GREENROOM_WEBHOOK_URL": "http://receiver.internal/"}
    assert load_settings({**SIGNED, **url, "GREENROOM_WEBHOOK_INSECURE": "true"}).webhook_url is not None


def test_a_webhook_is_signed_with_a_secret_that_can_be_one() -> None:
    url = {"GREENROOM_WEBHOOK_URL": "https://example.org/"}
    (problem,) = problems(url)
    assert "webhook_secret" in problem
    assert any("24" in each for each in problems({**url, "GREENROOM_WEBHOOK_SECRET": "short"}))
    assert any(
        "base64" in each for each in problems({**url, "GREENROOM_WEBHOOK_SECRET": "whsec_" + "!" * 32})
    )


def test_the_webhooks_events_are_named_and_stored_ones() -> None:
    settings = load_settings({"GREENROOM_WEBHOOK_TYPES": "turn.completed, session.closed"})
    assert settings.webhook_types == {EventType.TURN_COMPLETED, EventType.SESSION_CLOSED}
    assert settings.redacted()["webhook_types"] == "session.closed,turn.completed"
    (unknown,) = problems({"GREENROOM_WEBHOOK_TYPES": "turn.complete"})
    assert unknown.startswith("GREENROOM_WEBHOOK_TYPES")
    (passing,) = problems({"GREENROOM_WEBHOOK_TYPES": "message.delta"})
    assert "message.delta" in passing


def test_listeners_are_import_paths() -> None:
    settings = load_settings({"GREENROOM_LISTENERS": "my.package:listener, other:Costs"})
    assert settings.listeners == ("my.package:listener", "other:Costs")
    assert len(problems({"GREENROOM_LISTENERS": "my.package.listener"})) == 1


def test_ways_of_authentication_are_named_once() -> None:
    assert load_settings({}).authentication == ()
    assert load_settings({"GREENROOM_AUTHENTICATION": "none"}).redacted()["authentication"] == "none"
    settings = load_settings({"GREENROOM_AUTHENTICATION": "token"})
    assert (settings.authentication, settings.redacted()["authentication"]) == (("token",), "token")
    for unknown in ("password", "token,token", "token,none"):
        assert problems({"GREENROOM_AUTHENTICATION": unknown})[0].startswith("GREENROOM_AUTHENTICATION")


JWT = {
    "GREENROOM_AUTHENTICATION": "token, jwt",
    "GREENROOM_JWT_ISSUER": "https://issuer.example.org",
    "GREENROOM_JWT_AUDIENCE": "greenroom",
    "GREENROOM_JWT_KEYS": "https://issuer.example.org/keys",
}


def test_json_web_tokens_need_an_issuer_an_audience_and_keys() -> None:
    settings = load_settings({**JWT, "GREENROOM_JWT_GROUP_GRANTS": '{"ci": "lab=operator,den=viewer"}'})
    assert settings.jwt_group_grants == {"ci": ("lab=operator", "den=viewer")}
    assert load_settings({**JWT, "GREENROOM_JWT_KEYS": "/etc/keys.json"}).jwt_keys == "/etc/keys.json"
    for name in ("ISSUER", "AUDIENCE", "KEYS"):
        assert "is needed" in problems({**JWT, f"GREENROOM_JWT_{name}": ""})[0]
    for source in ("http://issuer.example.org/keys", "keys.json", "https://", "file:///etc/keys.json"):
        assert "https://host/path" in problems({**JWT, "GREENROOM_JWT_KEYS": source})[0]
    assert "is no grant" in problems({**JWT, "GREENROOM_JWT_GROUP_GRANTS": '{"ci": "lab"}'})[0]


def test_client_certificates_need_an_authority() -> None:
    tls = {"GREENROOM_TLS_CERT_FILE": "/c", "GREENROOM_TLS_KEY_FILE": "/k"}
    mtls = {**tls, "GREENROOM_AUTHENTICATION": "mtls"}
    assert "tls_client_ca_file" in problems(mtls)[0]
    grants = '{"ci.example.org": ["lab=operator"]}'
    settings = load_settings({**mtls, "GREENROOM_TLS_CLIENT_CA_FILE": "/a", "GREENROOM_MTLS_GRANTS": grants})
    assert settings.redacted()["mtls_grants"] == "ci.example.org: lab=operator"
