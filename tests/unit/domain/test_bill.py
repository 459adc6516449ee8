"""The bill of a process: every request is counted once, whether a result reports it or only a message."""

from dataclasses import replace

import pytest

from greenroomd.domain.costs.bill import Bill, SeenMessage
from greenroomd.domain.costs.prices import price_of
from greenroomd.domain.costs.usage import Usage

OPUS, HAIKU = "claude-opus-5-5", "claude-haiku-5-5-20260801"


def tokens(given: int, returned: int = 1, *, created: int = 0, read: int = 0) -> Usage:
    return Usage(
        input_tokens=given, output_tokens=returned, cache_creation_tokens=created, cache_read_tokens=read
    )


def told(usage: Usage, requests: int) -> Usage:
    return replace(usage, requests=requests)


def test_what_no_result_has_told_is_reckoned_by_list_prices() -> None:
    bill = (
        Bill()
        .with_messages([SeenMessage("a", OPUS, tokens(78_750))])
        .with_messages([SeenMessage("b", HAIKU, tokens(1_000))])
    )
    assert bill.usage.cost_usd == pytest.approx(0.315 + 0.00002 + 0.0001 + 0.0000005)
    assert bill.usage.estimated_cost_usd == bill.usage.cost_usd
    assert (bill.usage.requests, bill.usage.input_tokens, bill.usage.output_tokens) == (2, 79_750, 2)


def test_the_end_of_a_message_replaces_its_beginning() -> None:
    bill = (
        Bill()
        .with_messages([SeenMessage("a", OPUS, tokens(100))])
        .with_messages([SeenMessage("a", "", tokens(0, 700), ended=True)])
    )
    assert (bill.usage.requests, bill.usage.input_tokens, bill.usage.output_tokens) == (1, 100, 700)
    assert bill.usage.cost_usd == pytest.approx((100 * 4 + 700 * 20) / 1e6)


def test_a_result_takes_the_place_of_the_messages_that_it_covers() -> None:
    bill = Bill().with_messages([SeenMessage("a", OPUS, tokens(100, 20), ended=True)])
    bill = bill.with_messages([SeenMessage("b", OPUS, tokens(11), agent=True)])
    used = replace(tokens(111, 32), cost_usd=0.5)
    assert bill.with_result(used, 0.5).usage == told(used, 2)


def test_input_that_no_message_told_was_another_request() -> None:
    bill = Bill().with_messages([SeenMessage("a", OPUS, tokens(100, 20), ended=True)])
    assert bill.with_result(tokens(150, 30), 0.1).usage.requests == 2
    assert Bill().with_result(tokens(150, 30), 0.1).usage.requests == 1
    assert Bill().with_result(Usage(), 0.1).usage.requests == 0


def test_a_request_that_broke_off_stays_if_the_result_does_not_tell_of_it() -> None:
    bill = Bill().with_messages([SeenMessage("broken", OPUS, tokens(1_000))])
    bill = bill.with_messages([SeenMessage("whole", OPUS, tokens(1_050, 5), ended=True)]).with_result(
        tokens(1_050, 5), 0.1
    )
    assert bill.usage == told(tokens(2_050, 6), 2) + Usage(cost_usd=0.00402, estimated_cost_usd=0.00402)
    assert "broken" in bill.seen


def test_an_agents_request_that_a_later_result_tells_is_counted_once() -> None:
    bill = Bill().with_messages([SeenMessage("main", OPUS, tokens(1_000, 5), ended=True)])
    bill = bill.with_messages([SeenMessage("agent", OPUS, tokens(70), agent=True)]).with_result(
        tokens(1_000, 5), 0.1
    )
    assert bill.usage.input_tokens == 1_070
    assert bill.with_result(tokens(70, 60), 0.2).usage == told(tokens(1_070, 65), 2)


def test_a_late_frame_of_a_request_that_was_told_changes_nothing() -> None:
    bill = Bill().with_messages([SeenMessage("a", OPUS, tokens(100))]).with_result(tokens(100, 20), 0.1)
    assert bill.with_messages([SeenMessage("a", OPUS, tokens(100, 20), ended=True)]) == bill
    broken = Bill().with_messages([SeenMessage("b", OPUS, tokens(100))]).charged()
    assert broken.usage == Usage()
    assert broken.with_messages([SeenMessage("b", OPUS, tokens(100, 20))]) == broken


def test_a_message_that_tells_no_tokens_is_the_request_of_its_result() -> None:
    bill = Bill().with_messages([SeenMessage("a", OPUS, Usage())]).with_result(tokens(100, 20), 0.1)
    assert bill.usage.requests == 1


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        ("claude-opus-5-5", tokens(1_000_000, 0), 4.0),
        ("some-gateway/claude-sonnet-5-5", tokens(0, 1_000_000), 10.0),
        ("claude-haiku-5-5", tokens(0, 0, created=100_000), 0.0125),
        ("claude-haiku-5-5", tokens(0, 0, created=100_001), 0.062500625),
        ("claude-fable-5-2", tokens(0, 0, read=1_000_000), 0.2),
        ("nobody-knows", tokens(1_000_000, 0), 4.0),
    ],
)
def test_prices_are_those_of_the_list(model: str, usage: Usage, dollars: float) -> None:
    assert price_of(model).cost_usd(usage) == pytest.approx(dollars)


def test_the_end_of_an_agent_that_was_waited_for_is_a_request_of_its_own() -> None:
    bill = Bill().with_messages([SeenMessage("a", OPUS, tokens(11), agent=True)])
    bill = bill.with_agents_end("end", OPUS, tokens(15, 16)).with_result(tokens(26, 28), 0.1)
    assert bill.usage == told(tokens(26, 28), 2)


def test_the_end_of_an_agent_of_which_a_message_has_told_is_that_message() -> None:
    bill = (
        Bill()
        .with_messages([SeenMessage("a", OPUS, tokens(15), agent=True)])
        .with_agents_end("end", OPUS, tokens(15, 16))
    )
    assert (bill.usage.requests, bill.usage.output_tokens) == (1, 16)


def test_any_number_of_requests_takes_as_much_room_as_a_few() -> None:
    bill = Bill()
    for number in range(1_000):
        bill = bill.with_messages([SeenMessage(f"main {number}", OPUS, tokens(100, 20), ended=True)])
        bill = bill.with_messages([SeenMessage(f"agent {number}", HAIKU, tokens(7), agent=True)])
    assert len(bill.seen) + len(bill.older) < 100
    one_by_one = 1_000 * (price_of(OPUS).cost_usd(tokens(100, 20)) + price_of(HAIKU).cost_usd(tokens(7)))
    assert bill.usage.cost_usd == pytest.approx(one_by_one)
    assert bill.usage.estimated_cost_usd == bill.usage.cost_usd
    assert told(tokens(107_000, 21_000), 2_000) == replace(bill.usage, cost_usd=0.0, estimated_cost_usd=0.0)
    main_only = bill.with_result(tokens(100_000, 20_000), 0.1)
    assert main_only.usage.requests == 2_000
    assert main_only.usage.cost_usd == pytest.approx(1_000 * price_of(HAIKU).cost_usd(tokens(7)))
    assert main_only.with_result(tokens(7_000, 1_000), 0.2).usage == told(tokens(107_000, 21_000), 2_000)
