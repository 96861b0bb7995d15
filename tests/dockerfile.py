"""Reads the Dockerfile, and carries out its steps without a container."""

import fnmatch
import json
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).parents[1]


def instructions():
    """Returns the keyword and the arguments of each instruction."""
    text = (ROOT / "Dockerfile").read_text()
    text = re.sub(r"(?m)^#.*\n", "", text).replace("\\\n", "")
    return [line.split(None, 1) for line in text.splitlines() if line]


def arguments_of(keyword):
    """Returns the arguments of every instruction with a keyword."""
    return [rest for word, rest in instructions() if word == keyword]


def entry_point():
    """Returns the words of the entry point."""
    return json.loads(*arguments_of("ENTRYPOINT"))


def is_sent(path):
    """Returns whether .dockerignore lets a file reach the Dockerfile."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        places = [path, *path.parents][:-1]
        pattern = line.lstrip("!")
        if any(fnmatch.fnmatchcase(str(place), pattern) for place in places):
            sent = line.startswith("!")
    return sent


def copy(arguments, directory):
    """Copies as COPY does into the working directory."""
    *sources, destination = arguments.split()
    for source in sources:
        whole = ROOT / source
        files = [path for path in (whole, *whole.rglob("*")) if path.is_file()]
        sent = [file for file in files if is_sent(file.relative_to(ROOT))]
        assert sent, f"{source} does not reach the Dockerfile"
        for file in sent:
            base = whole if whole.is_dir() else whole.parent
            target = directory / destination / file.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def shell(arguments, directory, environment):
    """Runs a step of RUN; returns the finished process."""
    return subprocess.run(
        ["sh", "-c", arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
    )


def build(root, environment, skip):
    """Carries out every step that copies or runs.

    Args:
        root: what stands for the image's root.
        environment: variables of what runs.
        skip: a pattern of those that need a network or an image.
    """
    directory = root
    for keyword, arguments in instructions():
        if keyword == "WORKDIR":
            directory = root / arguments.lstrip("/")
            directory.mkdir(parents=True, exist_ok=True)
        elif keyword == "COPY":
            copy(arguments, directory)
        elif keyword == "RUN" and not re.search(skip, arguments):
            done = shell(arguments, directory, environment)
            assert done.returncode == 0, done.stdout + done.stderr
