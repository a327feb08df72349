"""The end of a log, as a terminal would show it."""

from distmat.jobs.log import last_words, tail


def test_the_last_lines_come_without_what_a_bar_drew_over(tmp_path):
    log = tmp_path / "log.txt"
    log.write_bytes("one\n\r 10%\r 20%\r 30%\ntwo Å\r\n\n".encode())
    assert tail(log) == ["one", " 30%", "two Å"]
    assert tail(log, 1) == ["two Å"] and last_words(log) == "two Å"


def test_a_log_of_any_size_is_read_from_its_end(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("".join(f"line {number}\n" for number in range(200_000)))
    lines = tail(log, 10_000)
    assert lines[-1] == "line 199999" and len(lines) < 10_000
    assert all(line.startswith("line ") and len(line) > 10 for line in lines)


def test_no_log_and_no_text_are_nothing(tmp_path):
    assert tail(tmp_path / "none") == [] and last_words(tmp_path / "none") == ""
    (tmp_path / "log").write_bytes(b"\xff\xfe\n")
    assert len(tail(tmp_path / "log")) == 1
