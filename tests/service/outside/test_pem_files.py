"""Files that may be replaced."""

import os

from service.outside.pem_files import PemFiles

TEXT = "-----BEGIN CERTIFICATE-----\n"


def written(file, text, seconds):
    file.write_text(text)
    os.utime(file, (seconds, seconds))


def test_a_change_counts_when_it_is_the_same_at_two_looks(tmp_path):
    file = tmp_path / "a.pem"
    written(file, TEXT, 1)
    files = PemFiles(str(file), TEXT, "")
    assert [files.changed() for _ in range(3)] == [False] * 3
    written(file, TEXT, 2)
    assert not files.changed()
    written(file, TEXT + "more", 3)
    assert not files.changed(), "it is still being written"
    assert files.changed()
    files.read()
    assert not files.changed()


def test_a_file_that_goes_and_comes_is_a_change(tmp_path):
    file = tmp_path / "a.pem"
    written(file, TEXT, 1)
    files = PemFiles(str(file))
    file.unlink()
    assert [files.changed() for _ in range(2)] == [False, True]
    files.read()
    written(file, TEXT, 1)
    assert [files.changed() for _ in range(2)] == [False, True]


def test_texts_never_change():
    files = PemFiles(TEXT, "LS0tLS1CRUdJTg==")
    assert [files.changed() for _ in range(2)] == [False, False]
