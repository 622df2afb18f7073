"""HTML pages taken apart, for tests of what a page holds."""

import json
import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """Elements with their attributes, and the text inside each kind."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text, self.open = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)


def data_of(text):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.S)[1])


def assert_self_contained(text):
    """Assert that a page asks for nothing but itself."""
    for tag, attributes in Page(text).elements:
        assert tag not in {"iframe", "object", "embed", "base"}
        assert not any(name in attributes for name in ("action", "srcset"))
        # pictures stand in the page itself
        assert "src" not in attributes or (tag == "img" and attributes["src"].startswith("data:image/"))
        assert attributes.get("href", "data:").startswith(("data:", "#"))
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", text)
