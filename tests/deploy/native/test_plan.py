"""A plan survives its way to the supervisor."""

from deploy.native.plan import Bind, Forward, Plan, Probe, Root, Task, read, write


def test_what_is_written_is_read():
    root = Root((Bind("/a", "/b", read_only=True),), ("/c",), {"/etc/hosts": "x"}, {"/bin": "usr/bin"})
    tasks = tuple(
        Task(
            "n",
            ("/p", "-x"),
            {"A": "b"},
            "/d",
            given,
            Probe("http://x", ("c",), listens=True),
            {"o": True},
            1.5,
            2,
            "l",
        )
        for given in (root, None)
    )
    plan = Plan(tasks, (Forward(3, "127.0.0.2", 80),), "/roots", network=True)
    assert read(write(plan)) == plan
