"""The same store behind s3://, against a stand-in; gs:// as far as Icechunk's door."""

from datetime import timedelta

import icechunk
import numpy as np
import pytest
import xarray as xr
from store.fake_s3 import fake_s3

from stresslab.errors import InputError, RunError
from stresslab.store import open_store


@pytest.fixture
def s3(monkeypatch):
    with fake_s3() as (endpoint, objects):
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield objects


def test_a_store_in_a_bucket(s3, dataset, provenance, monkeypatch):
    url = "s3://bucket/team/nightly"
    store = open_store(url)
    assert store.runs() == [] and s3 == {}
    with pytest.raises(InputError, match="there is no store here"):
        open_store(url, create=False)
    with store.begin("key") as run:
        run.commit({"a": {"x": np.arange(3)}})
    with open_store(url).begin("key") as run:
        assert run.done() == {"a"}
        assert np.array_equal(run.read("a")["x"], np.arange(3))
        tag = run.finish(dataset, provenance)
    assert all(name.startswith("/bucket/team/nightly/") for name in s3)
    again = open_store(url, create=False)
    xr.testing.assert_identical(again.read(tag), dataset)
    assert again.provenance()["tag"] == tag
    second = store.begin("key").finish(dataset, provenance)
    assert [record.tag for record in again.runs()] == [tag, second]
    before = set(s3)
    assert store.expire(1) == 1
    assert before <= set(s3)  # what is a day old at most may belong to somebody's commit
    monkeypatch.setattr("stresslab.store.history.IN_FLIGHT", timedelta(minutes=-1))  # stamps are whole seconds
    assert store.expire(1) == 0
    assert len(s3) < len(before)
    assert [record.tag for record in again.runs()] == [second]
    xr.testing.assert_identical(again.read(), dataset)


def test_a_bucket_with_other_objects(s3):
    s3["/bucket/team/notes.txt"] = b"hello"
    store = open_store("s3://bucket/team")
    with pytest.raises(InputError, match="not a stresslab store but a place with other files"):
        store.begin("key")
    assert list(s3) == ["/bucket/team/notes.txt"]


def test_gs(monkeypatch):
    asked = {}
    monkeypatch.setattr(icechunk, "gcs_storage", lambda **given: asked.update(given) or icechunk.in_memory_storage())
    assert open_store("gs://bucket/a/b/").runs() == []
    assert asked == {"bucket": "bucket", "prefix": "a/b", "from_env": True}


@pytest.mark.slow
def test_nobody_answers(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "us-east-1")
    with pytest.raises(RunError, match="s3://bucket/x: could not open the store: ") as caught:
        open_store("s3://bucket/x")
    assert "\n" not in str(caught.value)
