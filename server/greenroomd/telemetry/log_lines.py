"""Log lines for the operator, without secrets.

All code logs through `structlog.get_logger()`, with an event name in snake_case and facts as keys:
`log.warning("drain_incomplete", sessions=...)`.
"""

import logging
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[redacted]"

_SECRET_KEY = re.compile(
    r"token|authorization|password|passwd|secret|api_?key|oauth|cookie|credential", re.IGNORECASE
)
_SECRET_TEXT = re.compile(
    r"sk-ant-[\w-]+"  # keys and tokens of the model's API
    r"|(?<=bearer )[\w.~+/-]+=*"
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)",  # user and password in a URL
    re.IGNORECASE,
)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace values that look like secrets, at any depth: by their key, and by their shape inside texts.

    Numbers, booleans and None stay: `output_tokens=12` and `oauth_token_set=True` are not secrets.
    """
    return {key: _shown(key, value) for key, value in event.items()}


def _shown(key: str, value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_KEY.search(key):
        return HIDDEN
    if isinstance(value, str):
        return _SECRET_TEXT.sub(HIDDEN, value)
    if isinstance(value, bytes):
        return _SECRET_TEXT.sub(HIDDEN, value.decode("utf-8", "replace"))
    if isinstance(value, Mapping):
        return {str(inner): _shown(str(inner), part) for inner, part in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [_shown("", part) for part in value]
    return _SECRET_TEXT.sub(HIDDEN, str(value))


def set_up_logging(level: str, form: Literal["console", "json"], stream: TextIO | None = None) -> None:
    """Write every log line of the process, including those of libraries, to `stream` (default: stderr), redacted.

    `level` is the lowest level that is written: debug, info, warning or error.
    """
    stream = sys.stderr if stream is None else stream
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,  # before redact, since a traceback may contain secrets
                redact,
                renderer,
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx2").setLevel(
        logging.WARNING
    )  # otherwise it logs a line for each request, with its URL
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # so that loggers created before this call follow it
    )
