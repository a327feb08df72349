"""Text of others in Markdown: shown, never obeyed."""

import re

import pytest

from distmat.ui.markdown import escape

# What remark-gfm makes links of in plain text: mdast-util-gfm-autolink-literal, `transform…`.
ADDRESSES = re.compile(r"(https?://|www(?=\.))([-.\w]+)([^ \t\r\n]*)", re.IGNORECASE)
MAILS = re.compile(r"([-.\w+]+)@([-\w]+(?:\.[-\w]+)+)")


@pytest.mark.parametrize(
    "text", ["http://evil.example/x", "HTTPS://evil.example", "see www.evil.example", "a@evil.org"]
)
def test_an_address_in_a_name_is_text_and_no_link(text):
    assert ADDRESSES.search(text) or MAILS.search(text)
    shown = escape(text).replace("\\", "")
    assert not ADDRESSES.search(shown) and not MAILS.search(shown)
    assert shown.replace("\u2060", "") == text


def test_every_sign_of_markdown_is_shown_as_it_is():
    assert escape("*a* [b](c) <d>") == r"\*a\* \[b\]\(c\) \<d\>"
