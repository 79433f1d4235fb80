"""The MUSTs of RFC 6455 that bind a server, by section, and where each is shown. A section that nobody shows fails here."""

import ast
from pathlib import Path

import pytest

from tests.service.protocol.test_framing_rfc6455 import CASES

TESTS = Path(__file__).parents[2]
FRAMES = "service/protocol/test_framing_rfc6455.py"
CONNECTION = "service/connections/test_connection.py"
NEGOTIATION = "service/connections/test_negotiation.py"
UPGRADE = "service/connections/test_upgrade.py"

#: Section → what a server must do (our words), and its cases ("5.2 RSV") or tests ("file::name").
MUSTS = {
    "4.2.1": ("refuse what is no complete handshake with a 4xx", f"{NEGOTIATION}::test_refusals", f"{UPGRADE}::test_a_plain_request_is_told_what_is_missing"),
    "4.2.2 /1": ("answer 101 with Upgrade, Connection and the accept key", f"{FRAMES}::test_the_accept_key_of_section_4_2_2", f"{NEGOTIATION}::test_the_example_of_the_rfc_is_accepted"),
    "4.2.2 /2": ("refuse a foreign origin with 403", f"{UPGRADE}::test_a_foreign_page_is_refused_and_our_own_is_not"),
    "4.2.2 /3": ("choose a subprotocol that was offered, or none", f"{NEGOTIATION}::test_the_chosen_subprotocol_is_echoed"),
    "4.4": ("answer another version with 426 and its own", f"{UPGRADE}::test_a_wrong_version_is_told_the_right_one", f"{NEGOTIATION}::test_only_a_wrong_version_is_told_the_right_one"),
    "5.1 in": ("fail on an unmasked frame", "5.1 masking"),
    "5.1 out": ("mask nothing itself", f"{FRAMES}::test_a_server_frame_is_final_unmasked_and_minimal"),
    "5.2 RSV": ("fail on reserved bits without an extension", "5.2 RSV"),
    "5.2 opcode": ("fail on an unknown opcode", "5.2 opcode"),
    "5.2 length": ("read and write the shortest form of a length", "5.2 length", f"{FRAMES}::test_a_server_frame_is_final_unmasked_and_minimal"),
    "5.3": ("unmask by the key of each frame", "5.3 masking", "service/protocol/test_masking.py::test_masks_as_the_book_says"),
    "5.4": ("join fragments, take control frames between them, fail on fragments out of place", "5.4 fragments"),
    "5.5": ("fail on control frames that are long or fragmented", "5.5 control"),
    "5.5.1 in": ("understand a Close with code and reason, fail on a broken one", "5.5.1 close"),
    "5.5.1 echo": ("answer a Close with a Close, send nothing after", f"{CONNECTION}::test_the_peers_close_is_echoed_and_the_socket_ends", f"{CONNECTION}::test_after_our_close_nothing_is_executed"),
    "5.5.2": ("answer a Ping with its bytes", f"{CONNECTION}::test_a_ping_frame_is_answered_with_its_bytes"),
    "5.6": ("take text as UTF-8 and binary as it is", "5.6 text", "5.6 binary"),
    "5.7": ("write and read the examples", f"{FRAMES}::test_the_examples_of_section_5_7"),
    "6.2": ("deliver a message when its last frame is there", "5.4 fragments", f"{FRAMES}::test_byte_by_byte"),
    "7.1.1": ("close TCP after both Close frames, and first", f"{CONNECTION}::test_the_close_lingers_until_the_peers_answer", f"{CONNECTION}::test_a_peer_that_never_answers_a_close_is_dropped"),
    "7.1.5": ("answer an empty Close, whose code is 1005", f"{CONNECTION}::test_an_empty_close_is_answered_with_1000"),
    "7.1.7": ("ignore what follows a failure", "7.1.7 failing"),
    "7.4": ("send no reserved code and take none", "7.4 codes", f"{FRAMES}::test_a_server_never_sends_a_reserved_code"),
    "8.1": ("fail with 1007 on text that is not UTF-8", "8.1 UTF-8", "5.6 text", "service/protocol/test_framing.py::test_bad_text_fails_with_its_fragment_not_at_the_end_of_the_message"),
    "9.1": ("agree to no extension that was not asked for: we agree to none", f"{NEGOTIATION}::test_an_extension_is_not_agreed_to", "5.2 RSV"),
    "10.4": ("bound what a frame and a message may take", "10.4 size", "service/protocol/test_framing.py::test_an_unlimited_length_is_refused_before_anything_is_kept"),
}  # fmt: skip


def names_in(file):
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("section", MUSTS)
def test_each_must_is_shown(section):
    _, *places = MUSTS[section]
    shown = {case.section for case in CASES}
    for place in places:
        file, colons, name = place.partition("::")
        assert name in names_in(file) if colons else place in shown, f"{place} is gone"


def test_each_case_belongs_to_a_section_of_the_table():
    named = {place for _, *places in MUSTS.values() for place in places}
    assert {case.section for case in CASES} <= named
