"""README and docs/: they build without a warning, and what they show works."""

import ast
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
# What a visitor of the repository reads beside them.
BESIDE = [
    ROOT / f"{name}.md"
    for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")
]


def name_of(path):
    return path.name


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built with warnings as errors, its links checked."""
    path = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    done = subprocess.run(
        [*command, f"--site-dir={path}"],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return path


def test_the_site_has_every_page(site):
    built = {path.stem for path in site.glob("*.html")}
    assert built == {path.stem for path in DOCS} | {"404"}


def test_a_page_of_the_site_fetches_nothing_from_elsewhere(site):
    for page in site.glob("*.html"):
        text = page.read_text()
        assert not re.findall(r"<(?:script|img)[^>]*\ssrc=\"?https?:", text)
        links = re.findall(r"<link[^>]*>", text)
        assert not [link for link in links if 'href="http' in link]


def test_the_site_has_the_docstrings(site):
    text = (site / "api.html").read_text()
    for name in (
        "gradient_penalty_weight",
        "attention_resolutions",
        "AdversarialLoss",
    ):
        assert name in text


@pytest.mark.parametrize("path", BESIDE, ids=name_of)
def test_links_lead_to_files(path):
    targets = re.findall(r"\]\(([^)#]+)(#[^)]*)?\)", path.read_text())
    ours = [name for name, _ in targets if "://" not in name]
    assert not [name for name in ours if not (ROOT / name).exists()]


def anchors(path):
    """Returns the anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    words = [re.sub(r"[^\w\- ]", "", title.lower()) for title in headings]
    return {each.strip().replace(" ", "-") for each in words}


@pytest.mark.parametrize("path", BESIDE, ids=name_of)
def test_links_lead_to_headings(path):
    found = re.findall(r"\]\((docs/[^)#]+)#([^)]*)\)", path.read_text())
    assert not [t for page, t in found if t not in anchors(ROOT / page)]


@pytest.mark.parametrize("path", [*DOCS, *BESIDE], ids=name_of)
def test_each_image_says_what_it_shows(path):
    assert "![](" not in path.read_text()


def python_of(path):
    return re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)


@pytest.mark.parametrize("path", [*DOCS, *BESIDE], ids=name_of)
def test_each_block_of_python_is_python(path):
    for block in python_of(path):
        ast.parse(block)


def test_the_readme_trains():
    (block,) = python_of(ROOT / "README.md")
    assert "steps_per_epoch=10)" in block
    # Its networks, narrower, for one step.
    block = block.replace("steps_per_epoch=10", "steps_per_epoch=1")
    block = block.replace("base_channels=16", "base_channels=8")
    names = {}
    exec(block, names)
    assert int(names["gan"].step) == 1
    assert names["samples"].shape == (16, 32, 32, 3)


def test_the_readme_can_be_read_at_once():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 160
