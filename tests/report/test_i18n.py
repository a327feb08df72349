import string
from datetime import UTC, datetime

import pytest

from distmat.report.i18n import Wording
from distmat.report.messages import LANGUAGES, MESSAGES


def fields(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.mark.parametrize("key", MESSAGES)
def test_every_message_exists_in_both_languages_with_the_same_numbers(key):
    message = MESSAGES[key]
    assert set(message) == set(LANGUAGES)
    assert all(text.strip() for text in message.values())
    assert fields(message["en"]) == fields(message["zh"])


def test_chinese_messages_are_chinese():
    alike = {"loss", "of_epochs", "chain_mae"}
    for key, message in MESSAGES.items():
        if key not in alike:
            assert any("\u4e00" <= letter <= "\u9fff" for letter in message["zh"]), key


def test_a_language_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="language is 'fr'"):
        Wording("fr")


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0, "0 s", "0 秒"),
        (59.4, "59 s", "59 秒"),
        (60, "1 min", "1 分"),
        (3725, "1 h 2 min", "1 小时 2 分"),
        (90_000, "1 d 1 h", "1 天 1 小时"),
        (None, "not measured", "未测量"),
        (float("nan"), "not measured", "未测量"),
    ],
)
def test_durations_read_as_a_person_would_say_them(seconds, english, chinese):
    assert Wording("en").duration(seconds) == english
    assert Wording("zh").duration(seconds) == chinese


def test_numbers_have_their_separators_and_a_real_minus():
    words = Wording("en")
    assert words.count(4_399_104) == "4,399,104"
    assert words.number(-1.5) == "−1.50"
    assert words.number(None) == words.number(float("nan")) == "not measured"
    assert words.figures(6.9246) == "6.925"
    assert words.figures(0.0124) == "0.01240"
    assert words.figures(1.23e-5) == "1.23e-05"
    assert words.size(996_000_000) == "996.0 MB"
    assert words.share(0.0883, 2) == "8.83 %"
    assert Wording("zh").share(0.0883, 2) == "8.83%"


def test_dates_follow_the_language(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    when = datetime(2026, 1, 30, 7, 5, tzinfo=UTC)
    assert Wording("en").moment(when).startswith("30 January 2026, ")
    assert Wording("zh").moment(when).startswith("2026 年 1 月 30 日 ")
