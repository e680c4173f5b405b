"""Files of studies, from a server on loopback that also breaks off, lies and is absent."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import donormatch as dm
from donormatch import datasets

CONTENT = b"sample_id\tresponse\nd1\tyes\n" * 9000
SUM = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self):
        self.server.asked.append(self.path)
        name = self.path.rpartition("/")[2]
        if name == "absent.tsv":
            self.send_error(404)
        elif name == "busy.tsv" and self.server.asked.count(self.path) < 3:
            self.send_error(503)
        elif name == "elsewhere.tsv":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
        else:
            broken = name == "broken.tsv" or (
                name == "flaky.tsv" and self.server.asked.count(self.path) < 2
            )
            content = CONTENT.replace(b"yes", b"no") if name == "changed.tsv" else CONTENT
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if broken else content)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def home(server):
    server.asked.clear()
    return f"http://127.0.0.1:{server.server_address[1]}"


def study(home, name="table.tsv", **others):
    file = datasets.RemoteFile(name, f"{home}/{name}", SUM, **others)
    return datasets.Study("mine", "CC-BY-4.0", "Doe 2026", (file,))


def test_a_file_is_fetched_once_and_license_and_citation_are_shown(home, server, tmp_path):
    told = []
    found = datasets.fetch_study(
        study(home), folder=tmp_path, progress=lambda *what: told.append(what)
    )
    assert found["table.tsv"].read_bytes() == CONTENT
    assert told[-1] == ("table.tsv", len(CONTENT), len(CONTENT))
    assert "CC-BY-4.0" in repr(found)
    assert "Doe 2026" in found._repr_html_()
    assert datasets.fetch_study(study(home), folder=tmp_path) == found
    assert server.asked == ["/table.tsv"]
    with pytest.raises(dm.ParameterError, match="no file `x`"):
        found["x"]


def test_a_damaged_copy_is_fetched_anew(home, server, tmp_path):
    path = datasets.fetch_study(study(home), folder=tmp_path)["table.tsv"]
    path.write_bytes(b"damaged")
    assert datasets.fetch_study(study(home), folder=tmp_path)["table.tsv"].read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_a_wrong_sum_is_refused_and_nothing_is_left(home, tmp_path):
    with pytest.raises(dm.InputError, match=f"expected {SUM}"):
        datasets.fetch_study(study(home, "changed.tsv"), folder=tmp_path)
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_broken_transfer_is_tried_again_and_then_an_error(home, server, tmp_path):
    found = datasets.fetch_study(study(home, "flaky.tsv"), folder=tmp_path)
    assert found["flaky.tsv"].read_bytes() == CONTENT
    found = datasets.fetch_study(study(home, "busy.tsv"), folder=tmp_path)
    assert found["busy.tsv"].read_bytes() == CONTENT
    server.asked.clear()
    with pytest.raises(OSError, match=r"`broken.tsv`.*"):
        datasets.fetch_study(study(home, "broken.tsv"), folder=tmp_path, n_retries=1)
    assert len(server.asked) == 2
    assert not (tmp_path / "mine" / "broken.tsv").exists()


def test_what_is_absent_is_asked_for_once(home, server, tmp_path):
    with pytest.raises(OSError, match="404"):
        datasets.fetch_study(study(home, "absent.tsv"), folder=tmp_path)
    assert len(server.asked) == 1


def test_no_answer_leads_to_a_file_of_this_machine(home, tmp_path):
    with pytest.raises(OSError, match=r"elsewhere\.tsv"):
        datasets.fetch_study(study(home, "elsewhere.tsv"), folder=tmp_path)
    with pytest.raises(dm.ParameterError, match="`url`"):
        datasets.RemoteFile("a", "file:///etc/hostname", SUM)
    with pytest.raises(dm.ParameterError, match="`name`"):
        datasets.RemoteFile("../a", "https://example.org/a", SUM)


def test_no_more_is_read_than_the_study_states(home, tmp_path):
    with pytest.raises(dm.InputError, match="longer than the 10 bytes"):
        datasets.fetch_study(study(home, n_bytes=10), folder=tmp_path)


def test_a_mirror_is_an_address_or_a_folder(home, server, tmp_path, monkeypatch):
    away = study("https://nowhere.invalid")
    monkeypatch.setenv("DONORMATCH_DATA", str(tmp_path / "cache"))
    found = datasets.fetch_study(away, mirror=home)
    assert server.asked == ["/mine/table.tsv"]
    assert found["table.tsv"] == tmp_path / "cache" / "mine" / "table.tsv"
    local = datasets.fetch_study(away, mirror=tmp_path / "cache")
    assert local == found
    found["table.tsv"].write_bytes(b"changed")
    with pytest.raises(dm.InputError, match="SHA-256"):
        datasets.fetch_study(away, mirror=tmp_path / "cache")
    with pytest.raises(FileNotFoundError):
        datasets.fetch_study(away, mirror=tmp_path / "nothing")


def test_a_study_is_read_from_json_and_says_what_it_lacks(home, tmp_path):
    path = tmp_path / "study.json"
    file = {"name": "table.tsv", "url": f"{home}/table.tsv", "sha256": SUM}
    record = {"name": "mine", "license": "MIT", "citation": "Doe", "files": [file]}
    path.write_text(json.dumps(record))
    assert datasets.Study.read(path).files[0].sha256 == SUM
    for change, word in [
        ({"license": " "}, "`license`"),
        ({"files": []}, "`files`"),
        ({"files": [file, file]}, "`files`"),
        ({"name": ".."}, "`name`"),
        ({"files": [{**file, "sha256": "abc"}]}, "`sha256`"),
        ({"files": [{"name": "a"}]}, "not one"),
    ]:
        with pytest.raises(dm.DonorMatchError, match=word):
            datasets.Study.from_record({**record, **change})
    path.write_text("{")
    with pytest.raises(dm.InputError, match="not JSON"):
        datasets.Study.read(path)


def test_the_cache_is_where_users_keep_theirs(monkeypatch, tmp_path):
    monkeypatch.delenv("DONORMATCH_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert datasets.cache_folder() == tmp_path / "donormatch"


def test_the_synthetic_cohort_is_that_of_simulate():
    assert datasets.load_synthetic(seed=3).donors == dm.simulate(seed=3).donors
