"""The close codes are those of the protocol; each has a cause out of the closed list and fits a close frame."""

import dataclasses

import pytest

from service.protocol import closing
from service.protocol.closing import CAUSES, CLOSINGS, UNSUBSCRIBINGS, Closing, Unsubscribing, forced, may_return
from service.protocol.framing import sendable

WIRE = {
    1000: "",
    1002: "protocol error",
    1007: "invalid UTF-8",
    1009: "",
    3000: "connection closed",
    3001: "shutdown",
    3004: "internal server error",
    3005: "connection expired",
    3006: "subscription expired",
    3008: "slow",
    3009: "write error",
    3010: "insufficient state",
    3011: "force reconnect",
    3012: "no pong",
    3013: "too many requests",
    3014: "state invalidated",
    3500: "invalid token",
    3501: "bad request",
    3502: "stale",
    3503: "force disconnect",
    3504: "connection limit",
    3505: "channel limit",
    3506: "inappropriate protocol",
    3507: "permission denied",
    3508: "not available",
    3509: "too many errors",
}


def constants(kind):
    return {name: value for name, value in vars(closing).items() if isinstance(value, kind)}


def test_codes_and_reasons_are_those_of_the_protocol():
    assert {code: row.reason for code, row in CLOSINGS.items()} == WIRE


def test_ends_of_subscriptions_are_those_of_the_protocol():
    assert {code: row.reason for code, row in UNSUBSCRIBINGS.items()} == {
        2000: "server unsubscribe",
        2500: "insufficient state",
        2501: "subscription expired",
        2502: "state invalidated",
    }


@pytest.mark.parametrize("row", constants(Closing).values(), ids=constants(Closing))
def test_a_row_is_fit_for_frame_label_and_page(row):
    assert sendable(row.code)
    assert len(row.reason.encode()) <= 123
    assert not row.reason.startswith(("{", "[", '"')), "centrifuge-js reads a reason that looks like JSON"
    assert row.cause in CAUSES
    assert row.when.endswith(".") or row.when.endswith("…")
    assert row.client_action
    assert row.reconnect is may_return(row.code)


@pytest.mark.parametrize(
    ("code", "comes_back"),
    [
        (1000, True), (1002, True), (1009, False), (3000, True), (3499, True), (3500, False), (3999, False),
        (4000, True), (4499, True), (4500, False), (4999, False), (5000, True),
    ],
)  # fmt: skip
def test_the_sdks_rule_of_return(code, comes_back):
    assert may_return(code) is comes_back


def test_every_code_has_one_row_and_every_constant_a_code_of_the_table():
    assert {row.code for row in constants(Closing).values()} == set(CLOSINGS)
    assert set(constants(Unsubscribing).values()) == set(UNSUBSCRIBINGS.values())


def test_variants_differ_in_their_cause_alone():
    assert {closing.SLOW.cause, closing.SLOW_AGE.cause, closing.SLOW_KERNEL.cause} == {
        "slow_bytes",
        "slow_age",
        "slow_kernel",
    }
    assert dataclasses.replace(closing.BAD_FRAME, cause=closing.BAD_REQUEST.cause) == closing.BAD_REQUEST


def test_a_cause_outside_the_list_is_a_mistake_of_ours():
    with pytest.raises(AssertionError, match="moonshine"):
        closing.SLOW.because("moonshine")


@pytest.mark.parametrize(("code", "comes_back"), [(4001, True), (4500, False), (3001, True)])
def test_a_backends_own_code(code, comes_back):
    row = forced(code, "go away")
    assert (row.code, row.reason, row.reconnect, row.cause) == (code, "go away", comes_back, "forced_by_api")


def test_what_a_close_frame_cannot_say():
    assert closing.is_silent(forced(3000, "x"))
    assert not closing.is_silent(forced(3001, ""))
    assert closing.fits_a_frame(forced(4000, "é" * 61))
    assert not closing.fits_a_frame(forced(4000, "é" * 62))


def test_below_2500_a_subscription_ends_for_good():
    assert [row.code for row in UNSUBSCRIBINGS.values() if row.resubscribe] == [2500, 2501, 2502]


def test_causes_are_a_list_without_doubles():
    assert len(CAUSES) == len(set(CAUSES))
    assert "unknown" in CAUSES


def test_the_usual_ends_are_of_the_lists_and_each_is_there_once():
    assert len(set(closing.USUAL_ENDS)) == len(closing.USUAL_ENDS)
    for code, cause, initiator in closing.USUAL_ENDS:
        assert int(code) in closing.CLOSINGS
        assert cause in closing.CAUSES
        assert initiator in {"client", "server", "network"}
    assert {("3012", "no_pong", "server"), ("3008", "slow_age", "server"), ("3000", "network_lost", "network")} <= set(
        closing.USUAL_ENDS
    )
