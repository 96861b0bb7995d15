"""The page of the fields is what the table says."""

import pathlib

from sagan_tf.configuration.fields import FIELDS
from tools import fields_reference

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "configuration.md"


def test_page_is_up_to_date():
    assert PAGE.read_text() == fields_reference.markdown()


def test_each_field_is_on_the_page():
    page = PAGE.read_text()
    assert all(f"- `{name}` (" in page for name in FIELDS)
