"""Files that may be replaced."""

import os

import pytest

from service.outside.pem import BadCertificate
from service.outside.pem_files import LOOK, PemFiles

TEXT = "-----BEGIN CERTIFICATE-----\n"


class Taken:
    """Counts how often they were taken; ``wrong``: from now on they cannot be used."""

    def __init__(self, *values):
        self.times, self.wrong, self.told, self.now = 0, None, [], 100.0
        self.files = PemFiles(self.take, self.told.append, *values)

    def take(self):
        self.times += 1
        if self.wrong:
            raise self.wrong

    def at_looks(self, count):
        """How often they have been taken after each look."""
        seen = []
        for _ in range(count):
            self.now += LOOK
            self.files.look(self.now)
            seen.append(self.times)
        return seen


def written(file, text, seconds):
    file.write_text(text)
    os.utime(file, (seconds, seconds))


def test_a_change_counts_when_it_is_the_same_at_two_looks(tmp_path):
    file = tmp_path / "a.pem"
    written(file, TEXT, 1)
    taken = Taken(str(file), TEXT, "")
    assert taken.at_looks(3) == [1, 1, 1]
    written(file, TEXT, 2)
    assert taken.at_looks(1) == [1]
    written(file, TEXT + "more", 3)
    assert taken.at_looks(3) == [1, 2, 2], "it was still being written"


def test_a_file_that_goes_and_comes_is_a_change(tmp_path):
    file = tmp_path / "a.pem"
    written(file, TEXT, 1)
    taken = Taken(str(file))
    file.unlink()
    assert taken.at_looks(2) == [1, 2]
    written(file, TEXT, 1)
    assert taken.at_looks(2) == [2, 3]


def test_it_is_looked_each_second_however_often_it_is_asked(tmp_path):
    file = tmp_path / "a.pem"
    written(file, TEXT, 1)
    taken = Taken(str(file))
    written(file, TEXT, 2)
    for _ in range(20):
        taken.files.look(200.0)
        taken.files.look(200.9)
    assert taken.times == 1
    taken.files.look(201.0)
    assert taken.times == 2


def test_texts_never_change():
    assert Taken(TEXT, "LS0tLS1CRUdJTg==").at_looks(2) == [1, 1]


def test_what_cannot_be_used_is_told_once(tmp_path):
    file = tmp_path / "a.pem"
    written(file, TEXT, 1)
    taken = Taken(str(file))
    taken.wrong = BadCertificate("cert_pem", "it is none")
    written(file, "", 2)
    assert taken.at_looks(3) == [1, 2, 2]
    taken.files.reload()
    assert taken.told == ["cert_pem: it is none"] * 2


def test_what_cannot_be_used_at_the_start_is_an_error():
    def take():
        raise BadCertificate("cert_pem", "it is none")

    with pytest.raises(BadCertificate):
        PemFiles(take, print, TEXT)
