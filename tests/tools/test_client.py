"""The client, against a server on loopback that speaks like TF Serving."""

import base64
import http.server
import json
import threading

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from sagan_tf import exporting, runs
from tests.commands import assert_refused, call_each


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("client")


@pytest.fixture(scope="module")
def model(toy_run, place):
    path = place / "model"
    exporting.export(runs.open_run(toy_run).load_generator(), path)
    return exporting.ExportedGenerator(path)


def predict(model, request):
    """Answers as the REST interface does: rows in, rows out."""
    function = model.signatures[request["signature_name"]]
    _, specs = function.structured_input_signature
    rows = request["instances"]
    inputs = {
        name: tf.constant([row[name] for row in rows], spec.dtype)
        for name, spec in specs.items()
    }
    ((name, values),) = function(**inputs).items()
    # What makes Serving encode a string.
    assert name.endswith("_bytes") and values.dtype == tf.string
    return {
        "predictions": [
            {"b64": base64.b64encode(value).decode()}
            for value in values.numpy()
        ]
    }


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        signatures = {
            name: {
                "inputs": {
                    key: {} for key in function.structured_input_signature[1]
                }
            }
            for name, function in self.server.model.signatures.items()
        }
        answers = {
            "/v1/models/sagan/metadata": signatures,
            "/v1/models/broken/metadata": {"png": {"inputs": {"seed": {}}}},
            "/v1/models/classifier/metadata": {"serving_default": {}},
        }
        if self.path not in answers:
            return self.answer(404, {"error": "Servable not found"})
        metadata = {"signature_def": {"signature_def": answers[self.path]}}
        self.answer(200, {"metadata": metadata})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "broken" in self.path:
            return self.answer(200, {"predictions": [[0.5]]})
        request = json.loads(body)
        self.server.sizes.append(len(request["instances"]))
        try:
            self.answer(200, predict(self.server.model, request))
        except tf.errors.InvalidArgumentError as error:
            self.answer(400, {"error": error.message})

    def answer(self, status, content):
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server(model):
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    server.model, server.sizes = model, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def answers(server, place):
    (place / "taken").mkdir()
    address = f"--server=http://127.0.0.1:{server.server_port}"
    refused = f"--output={place}/refused"
    calls = {
        "files": [
            *(address, "--labels=3,1", "--num_images=5", "--per_request=2"),
            *("--seed=8", "--truncation=1.0", f"--output={place}/files"),
        ],
        "sheet": [
            *(address, "--labels=0", "--num_images=4"),
            f"--output={place}/sheet.png",
        ],
        "label": [address, refused, "--labels=10"],
        "no label": [address, refused],
        "word": [address, refused, "--labels=star"],
        "truncation": [address, refused, "--truncation=-1"],
        "unknown": [address, refused, "--model=other"],
        "classifier": [address, refused, "--model=classifier"],
        "broken": [address, refused, "--model=broken"],
        # Nothing listens on the discard port.
        "port": ["--server=http://127.0.0.1:9", refused],
        "space": [address, refused, "--model=a b"],
        "far port": ["--server=http://127.0.0.1:99999", refused],
        "no port": ["--server=http://127.0.0.1:web", refused],
        "bracket": ["--server=http://[::1", refused],
        "address": ["--server=localhost:8501", refused],
        "taken": [address, f"--output={place}/taken", "--labels=0"],
    }
    return dict(zip(calls, call_each("tools.client", calls.values())))


def test_files_are_what_the_model_samples(answers, server, model, place):
    assert answers["files"].status == 0, answers["files"].err
    expected = model.signatures["sample"](
        labels=tf.constant([3, 1, 3, 1, 3]),
        seed=tf.constant(8),
        truncation=tf.constant(1.0),
    )["images"]
    paths = sorted((place / "files").iterdir())
    assert [path.name for path in paths] == [f"{i:06d}.png" for i in range(5)]
    images = np.stack([Image.open(path) for path in paths])
    np.testing.assert_array_equal(images, expected)
    assert server.sizes[:3] == [2, 2, 1]


def test_a_sheet_holds_them_all(answers, place):
    assert answers["sheet"].status == 0, answers["sheet"].err
    with Image.open(place / "sheet.png") as sheet:
        assert sheet.size == (2 * 66 + 2, 2 * 66 + 2)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("label", ("400", "`labels` should be in [0, 10)")),
        ("no label", ("--labels is required",)),
        ("word", ("--labels", "star")),
        ("truncation", ("--truncation", "-1")),
        ("unknown", ("404", "Servable not found")),
        ("classifier", ("signature png",)),
        ("broken", ("predictions", "b64")),
        ("port", ("--server", "refused")),
        ("space", ("a b", "control characters")),
        ("far port", ("--server", "99999", "1 to 65535")),
        ("no port", ("--server", "127.0.0.1:web")),
        ("bracket", ("--server", "http://[::1")),
        ("address", ("--server", "http://")),
        ("taken", ("--output", "taken")),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(answers, name, words, place):
    assert_refused(answers[name], *words)
    assert not (place / "refused").exists()
