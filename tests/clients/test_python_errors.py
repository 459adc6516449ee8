"""The error of a turn or a session, as the Python client reads what the server makes of it."""

from datetime import timedelta

import grpc

from greenroom import Error, InvalidRequest, Unavailable, error_in
from greenroomd.domain.turn import Problem
from greenroomd.rpc.convert.problems import status


def test_the_error_of_a_turn_is_read_like_that_of_a_call() -> None:
    problem = Problem(
        reason="API_LIMIT_REACHED",
        message="used up",
        facts={"api_status": "429", "limit_kind": "FIVE_HOUR"},
        retry_after=timedelta(minutes=1),
    )
    error = error_in(status(problem))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "API_LIMIT_REACHED")
    assert error.metadata == {"api_status": "429", "limit_kind": "FIVE_HOUR"}
    assert (error.message, error.retry_delay) == ("used up", timedelta(minutes=1))


def test_only_what_may_succeed_later_is_unavailable() -> None:
    def kind_of(reason: str) -> type[Error]:
        return type(error_in(status(Problem(reason=reason, message="no"))))

    assert kind_of("API_ERROR") is Unavailable
    assert kind_of("API_REQUEST_REFUSED") is InvalidRequest
    assert kind_of("API_CREDENTIALS_REFUSED") is Error
