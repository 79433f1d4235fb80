"""What a person is told who did something wrong."""

import pytest


def sorry(capsys, call, *arguments, **options):
    """The one sentence that a person gets, and the exit code."""
    with pytest.raises(SystemExit) as ended:
        call(*arguments, **options)
    said = capsys.readouterr()
    assert said.out == ""
    return ended.value.code, said.err.strip()
