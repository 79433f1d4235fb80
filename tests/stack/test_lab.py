"""The quick part of the matrix: faults that many alerts find, and one that none may find. `make matrix` tries all."""

import asyncio

import pytest

from deploy.native.programs import PROGRAMS, find
from faults import trial
from faults.catalogue import BY_NAME
from faults.running import Running

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.mark.parametrize("name", ["error-burst", "slow-client"])
def test_every_alert_fires_or_stays_silent_as_the_catalogue_says(name, told, tmp_path):
    missing = [program.name for program in PROGRAMS if find(program.name) is None]
    if missing:
        pytest.skip(f"the stack's programs are not built ({', '.join(missing)}): make programs")
    lab = Running(tmp_path)
    with lab.stack:
        result = asyncio.run(trial.run(lab, BY_NAME[name], told))
    assert result.complaints == []
