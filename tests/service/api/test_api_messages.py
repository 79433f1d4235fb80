from service.api import api_messages as api


def test_zero_values_are_left_out():
    assert api.encode(api.Response(result=api.PublishResult())) == b'{"result":{}}'
    assert api.encode(api.PublishResult(3, "e")) == b'{"offset":3,"epoch":"e"}'


def test_what_sdks_index_is_always_there():
    assert api.encode(api.HistoryResult([], "", 0)) == b'{"publications":[],"epoch":"","offset":0}'
    assert api.encode(api.ChannelsResult({})) == b'{"channels":{}}'
    node = api.NodeInfo("u", "n", "1", 0, 0, 0, 0)
    assert b'"num_clients":0,"num_users":0,"num_subs":0,"num_channels":0' in api.encode(api.InfoResult([node]))


def test_an_empty_batch_says_nothing():
    assert api.encode(api.BatchResult()) == b"{}"


def test_an_error_has_code_and_message_and_nothing_else():
    assert api.encode(api.Response(error=api.ApiError(107, "bad request"))) == (
        b'{"error":{"code":107,"message":"bad request"}}'
    )
