"""Text that reaches the database or a message: no password in it, and no text takes long to clean."""

from __future__ import annotations

import time

import pytest

from sweep.redaction import clean, clean_json, storable

HOSTILE = {
    "dashes": "a-" * 500_000,
    "keys": "password" * 125_000,
    "keys and blanks": "password " * 110_000,
    "one key and blanks": "password" + " " * 1_000_000,
    "open quotes": "password='" * 100_000,
    "an open quote": 'secret="' + "x" * 1_000_000,
    "schemes": "://a:" * 200_000 + "@",
    "ats": "://a:" + "@" * 1_000_000,
    "prefixes": "access_" * 140_000,
    "equals": "=" * 1_000_000,
    "not ASCII": "é\x00\ud800" * 330_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_megabyte_of_hostile_text_is_cleaned_within_a_second(kind: str) -> None:
    before = time.process_time()
    clean(HOSTILE[kind])
    assert time.process_time() - before < 1.0


@pytest.mark.parametrize(
    ("text_", "kept"),
    [
        ("at postgresql+psycopg://me:hunter2@db:5432/x", "at postgresql+psycopg://me:***@db:5432/x"),
        ("password=hunter2 host=db", "password=*** host=db"),
        ("password = 'hunter2 3' host=db", "password = *** host=db"),
        ("x://me:p/@ss@db", "x://me:***@db"),
        ("postgresql://db/x?user=me&sslpassword=hunter2&y=1", "postgresql://db/x?user=me&sslpassword=***&y=1"),
        (
            "s3://b/x?X-Amz-Signature=hunter2&aws_secret_access_key=hunter2",
            "s3://b/x?X-Amz-Signature=***&aws_secret_access_key=***",
        ),
        ("AccountName=me;AccountKey=hunter2==;x=1", "AccountName=me;AccountKey=***;x=1"),
        ("x://me:p:a%ss#w?o@rd@db:1/x", "x://me:***@db:1/x"),
        ("{'host': 'db', 'password': 'hunter2'}", "{'host': 'db', 'password': ***}"),
        ('{"password": "hunter2", "a": 1}', '{"password": ***, "a": 1}'),
        ("sslpassword='hunter2 and no end", "sslpassword=*** and no end"),
        ("PGPASSWORD=hunter2 passfile=/home/me/.pgpass", "PGPASSWORD=*** passfile=***"),
        ("https://example.org:443/ab", "https://example.org:443/ab"),
        ("loss: 3 @ step 4", "loss: 3 @ step 4"),
    ],
)
def test_passwords_in_text_are_masked(text_: str, kept: str) -> None:
    assert clean(text_) == kept


def test_json_is_cleaned_to_the_bottom() -> None:
    found = clean_json({"a\x00": [float("nan"), ("x://u:p@h", 1)], "b": None})
    assert found == {"a\N{REPLACEMENT CHARACTER}": ["nan", ["x://u:***@h", 1]], "b": None}


def test_text_that_no_database_holds_is_made_storable() -> None:
    assert storable("a\x00b\ud800c") == "a\N{REPLACEMENT CHARACTER}b?c"
    assert storable("süd") == "süd"
