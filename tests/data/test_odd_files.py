"""Odd files and folders: Pillow's own pixels, or the right words."""

import io
import json
import os
import struct
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

from sagan_tf.data import decoding, open_dataset
from sagan_tf.data.channels import to_channels
from sagan_tf.data.formats import open_importer
from sagan_tf.errors import UserError

SIZE = 12


def draw(mode="RGB", seed=0, size=(SIZE, SIZE)):
    """An image of noise."""
    generator = np.random.default_rng(seed)
    bands = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    shape = (*size[::-1], bands) if bands > 1 else size[::-1]
    return Image.fromarray(generator.integers(0, 256, shape, np.uint8), mode)


def encoded(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(name, data):
    body = name + data
    check = struct.pack(">I", zlib.crc32(body))
    return struct.pack(">I", len(data)) + body + check


def with_chunk(name, data, png=None):
    """A PNG with a chunk of metadata behind its header."""
    png = png or encoded(draw())
    return png[:33] + chunk(name, data) + png[33:]


def exif(orientation):
    found = Image.Exif()
    found[0x0112] = orientation
    return found


def large_text():
    info = PngImagePlugin.PngInfo()
    info.add_text("notes", "x" * 2**22, zip=True)
    return encoded(draw(), pnginfo=info)


def wrong_check(png):
    """The checksum of its text does not fit."""
    marked = with_chunk(b"tEXt", b"a\0b", png)
    return marked[:45] + b"zzzz" + marked[49:]


def sixteen_bits():
    levels = np.random.default_rng(0).integers(0, 65536, (SIZE, SIZE))
    return Image.fromarray(levels.astype(np.uint16))


def white_below(image):
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


GIF = encoded(draw("L"), "GIF", save_all=True, append_images=[draw("L", 1)])
PALETTE = draw("RGB").convert("P", palette=Image.Palette.ADAPTIVE)
TURNED = draw(size=(SIZE, SIZE + 8))
# File, and the image that Pillow reads there (the drawn one by default).
FILES = {
    "a.png": (encoded(draw()), None),
    "upper.PNG": (encoded(draw()), None),
    "a.bmp": (encoded(draw(), "BMP"), None),
    "a.dib": (encoded(draw(), "DIB")[:0] or encoded(draw(), "BMP"), None),
    "a.tif": (encoded(draw(), "TIFF"), None),
    "packed.tiff": (encoded(draw(), "TIFF", compression="tiff_lzw"), None),
    "a.webp": (encoded(draw(), "WEBP", lossless=True), None),
    "a.gif": (GIF, draw("L").convert("RGB")),
    "a.jfif": (encoded(draw(), "JPEG"), "pillow"),
    "a.jpe": (encoded(draw(), "JPEG"), "pillow"),
    "grey.jpg": (encoded(draw("L"), "JPEG"), "pillow"),
    "progressive.jpeg": (encoded(draw(), "JPEG", progressive=True), "pillow"),
    "cmyk.jpg": (encoded(draw("CMYK"), "JPEG"), "pillow"),
    "named_png.jpg": (encoded(draw()), None),
    "named_jpg.png": (encoded(draw(), "JPEG"), "pillow"),
    "no_ending": (encoded(draw()), None),
    "grey.png": (encoded(draw("L")), "pillow"),
    "palette.png": (encoded(PALETTE), PALETTE.convert("RGB")),
    "alpha.png": (encoded(draw("RGBA")), white_below(draw("RGBA"))),
    "grey_alpha.png": (encoded(draw("LA")), white_below(draw("LA"))),
    "alpha.webp": (
        encoded(draw("RGBA"), "WEBP", lossless=True, exact=True),
        white_below(draw("RGBA")),
    ),
    "see_through.png": (
        encoded(PALETTE, transparency=3),
        white_below(Image.open(io.BytesIO(encoded(PALETTE, transparency=3)))),
    ),
    "16_bits.png": (encoded(sixteen_bits()), "levels"),
    "16_bits.tif": (encoded(sixteen_bits(), "TIFF"), "levels"),
    "turned.jpg": (encoded(TURNED, "JPEG", exif=exif(6)), "upright"),
    "mirrored.png": (encoded(TURNED, exif=exif(5)), "upright"),
    "odd_exif.png": (with_chunk(b"eXIf", b"this is no TIFF"), None),
    "empty_exif.png": (with_chunk(b"eXIf", b""), None),
    "odd_orientation.png": (encoded(draw(), exif=exif(77)), None),
    "odd_profile.png": (with_chunk(b"iCCP", b"name\0\0broken"), None),
    "short_colours.png": (with_chunk(b"sRGB", b""), None),
    "large_text.png": (large_text(), None),
    "wrong_check.png": (wrong_check(encoded(draw())), None),
    "unknown_chunk.png": (with_chunk(b"zzZz", b"anything"), None),
}


def expected(data, what):
    if what is None:
        return draw()
    if isinstance(what, Image.Image):
        return what
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        if what == "levels":
            levels = np.rint(np.asarray(image) / 257)
            return Image.fromarray(levels.astype(np.uint8)).convert("RGB")
        if what == "upright":
            image = ImageOps.exif_transpose(image)
        return image.convert("RGB")


@pytest.mark.parametrize("name", FILES)
def test_pixels_are_those_that_pillow_reads(tmp_path, name):
    data, what = FILES[name]
    (tmp_path / name).write_bytes(data)
    importer = open_importer("folder", path=str(tmp_path))
    found = to_channels(importer.read(0).image)
    assert found.mode == "RGB"
    np.testing.assert_array_equal(found, expected(data, what))
    assert sorted(importer.shape(0)) == sorted(found.size)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a PNG, JPEG, WebP"),
        (b"hello", "not a PNG, JPEG, WebP"),
        (encoded(draw())[:-40], ""),
        (encoded(draw(), "JPEG")[:200], ""),
        (GIF[:40], ""),
        (encoded(draw(), "WEBP")[:60], ""),
        (encoded(draw(), "TIFF")[:-300], ""),
        (encoded(draw(), "BMP")[:-300], ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a PNG, JPEG"),
    ],
)
def test_broken_files_are_named_in_a_line(tmp_path, data, words):
    (tmp_path / "bad.png").write_bytes(data)
    with pytest.raises(UserError) as caught:
        open_dataset("folder", path=str(tmp_path), image_size=8)
    assert "\n" not in str(caught.value)
    assert f"cannot read {tmp_path / 'bad.png'}: {words}" in str(caught.value)


def put(root, *names, seed=0):
    for number, name in enumerate(names, seed):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(draw(seed=number)))
    return root


def opened(path, **arguments):
    """Label by file, the names of the classes, and what was said."""
    importer = open_importer("folder", path=str(path), **arguments)
    numbers = range(importer.count)
    labels = {importer.origin(n): importer.labels[n] for n in numbers}
    return labels, importer.class_names


SYSTEM = (
    "__MACOSX/cat/._1.png",
    "@eaDir/1.png",
    "lost+found/1.png",
    ".ipynb_checkpoints/1-checkpoint.png",
    "$RECYCLE.BIN/1.png",
    "System Volume Information/1.png",
    "cat/Thumbs.db",
    "cat/.DS_Store",
    "cat/@eaDir/1.png/thumb.png",
    "dog/desktop.ini",
    "#recycle/1.png",
)


def test_folders_of_systems_never_count(tmp_path, caplog):
    put(tmp_path, "cat/1.png", "dog/1.png", *SYSTEM)
    assert opened(tmp_path) == (
        {"cat/1.png": 0, "dog/1.png": 1},
        ("cat", "dog"),
    )
    assert "left out" not in caplog.text


def test_images_lie_at_any_depth_of_their_class(tmp_path):
    put(tmp_path, "cat/1.png", "cat/young/2.png", "dog/a/b/c/3.png")
    labels, names = opened(tmp_path)
    assert names == ("cat", "dog")
    assert labels == {
        "cat/1.png": 0,
        "cat/young/2.png": 0,
        "dog/a/b/c/3.png": 1,
    }


@pytest.mark.parametrize(
    "names",
    [
        ("train/cat/1.png", "train/dog/2.png"),
        ("train/cat/1.png", "val/cat/2.png"),
        ("train/1.png", "test/2.png"),
    ],
)
def test_splits_are_no_classes(tmp_path, names):
    put(tmp_path, *names)
    with pytest.raises(UserError, match="did you mean .*/train?"):
        opened(tmp_path)
    opened(tmp_path / "train", num_classes=0)


def test_what_is_left_out_is_counted(tmp_path, caplog):
    put(tmp_path, "a.png", "b.avif", "c.AVIF", "d.heic", "notes.txt", "README")
    (tmp_path / "README").write_text("No image.")
    assert opened(tmp_path)[0] == {"a.png": 0}
    (line,) = [r.getMessage() for r in caplog.records]
    assert line.endswith(
        ": 2 .avif, 1 .heic, 1 .txt, 1 without ending"
    ) or sorted(line.partition(": ")[2].split(", ")) == [
        "1 .heic",
        "1 .txt",
        "1 without ending",
        "2 .avif",
    ]


def test_a_class_of_other_files_is_refused_with_what_it_has(tmp_path):
    put(tmp_path, "cat/1.png", "dog/1.heic")
    with pytest.raises(UserError, match="class folder .*dog; found 1 .heic"):
        opened(tmp_path)


def test_numbers_are_sorted_as_numbers(tmp_path):
    put(tmp_path, *(f"{number}/x.png" for number in range(12)))
    labels, names = opened(tmp_path)
    assert names == tuple(map(str, range(12)))
    assert labels == {f"{number}/x.png": number for number in range(12)}
    # As a run that is older knows them.
    before = sorted(names)
    old, old_names = opened(tmp_path, class_order=())
    assert list(old_names) == before
    assert old == {f"{name}/x.png": before.index(name) for name in names}
    assert opened(tmp_path, class_order=before) == (old, old_names)


def test_the_order_of_classes_belongs_to_the_identity(tmp_path):
    put(tmp_path, *(f"{number}/x.png" for number in range(12)))
    new, old, unconditional = (
        open_importer("folder", path=str(tmp_path), **arguments)
        for arguments in ({}, {"class_order": ()}, {"num_classes": 0})
    )
    assert new.identity() == f"{old.identity()}, classes by number"
    assert unconditional.identity() == old.identity()
    # Only labels change, no image's number.
    assert all(new.origin(n) == old.origin(n) for n in range(12))


def test_names_in_no_encoding_are_printable(tmp_path):
    put(tmp_path, "dog/1.png")
    strange = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(strange)
    with open(strange + b"/\xff\n.png", "wb") as file:
        file.write(b"broken")
    assert opened(tmp_path)[1] == ("caf\\udce9", "dog")
    with pytest.raises(UserError) as caught:
        open_dataset("folder", path=str(tmp_path), image_size=8)
    assert "caf\\udce9/\\udcff\\n.png" in str(caught.value)
    str(caught.value).encode()


def test_a_link_to_itself_ends(tmp_path):
    put(tmp_path, "cat/1.png", "dog/1.png")
    (tmp_path / "cat" / "again").symlink_to(tmp_path)
    (tmp_path / "dog" / "other").symlink_to(tmp_path / "cat" / "1.png")
    assert len(opened(tmp_path)[0]) == 3


def in_zip(folder, path, prefix=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for each in sorted(folder.rglob("*")):
            file.write(each, prefix + str(each.relative_to(folder)))
    return path


def in_tar(folder, path, prefix="./"):
    with tarfile.open(path, "w") as file:
        file.add(folder, prefix or ".")
    return path


@pytest.mark.parametrize("pack", [in_zip, in_tar])
@pytest.mark.parametrize("prefix", ["", "photos/"])
def test_an_archive_is_read_as_its_folder(tmp_path, pack, prefix):
    folder = put(tmp_path / "a", "cat/1.png", "cat/b/2.png", "dog/3.png")
    put(folder, *SYSTEM)
    archive = pack(folder, tmp_path / "archive", prefix)
    there, here = (
        open_importer("folder", path=str(path)) for path in (folder, archive)
    )
    assert opened(archive) == opened(folder)
    assert here.identity() == there.identity()
    for index in range(here.count):
        image = here.read(index).image
        np.testing.assert_array_equal(image, there.read(index).image)
    assert here.stored_in() == [str(archive)]


def test_broken_archives_are_refused_or_named(tmp_path):
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(UserError, match="a .zip or a .tar"):
        opened(tmp_path / "text.zip")
    folder = put(tmp_path / "a", "1.png")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as file:
        file.add(folder)
    with pytest.raises(UserError, match="not compressed"):
        opened(tmp_path / "a.tar.gz")
    data = in_zip(folder, tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(b"IDAT", b"IDAX", 1))
    (tmp_path / "b.zip").write_bytes(data[:70] + b"?" + data[71:])
    with pytest.raises(UserError, match="cannot read .*b.zip: 1.png: "):
        open_dataset("folder", path=str(tmp_path / "b.zip"), image_size=8)


def styled(labels):
    return "dataset.json", json.dumps({"labels": labels})


def lines(*rows):
    return "metadata.jsonl", "\n".join(map(json.dumps, rows))


TABLES = {
    "stylegan": (styled([["00/1.png", 1], ["00/2.png", 0]]), {}, "10", "01"),
    "stylegan's newer": (
        styled({"00/1.png": 0, "00/2.png": 1}),
        {},
        "01",
        "01",
    ),
    "csv": (
        ("metadata.csv", "file_name,label\n00/1.png,dog\n00/2.png,cat\n"),
        {},
        "10",
        ("cat", "dog"),
    ),
    "csv with a mark": (
        ("metadata.csv", "\ufefffile_name,label\n00/1.png,a\n00/2.png,b\n"),
        {},
        "01",
        "ab",
    ),
    "another column": (
        ("metadata.csv", "file_name,kind\n00/1.png,b\n00/2.png,a\n"),
        {"label_key": "kind"},
        "10",
        "ab",
    ),
    "json lines": (
        lines(
            {"file_name": "00/1.png", "label": 10},
            {"file_name": "00/2.png", "label": 9},
        ),
        {},
        "10",
        ("9", "10"),
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_gives_the_labels(tmp_path, name, caplog):
    (file, text), options, labels, names = TABLES[name]
    put(tmp_path, "00/1.png", "00/2.png", "00/3.png")
    (tmp_path / file).write_text(text)
    found, found_names = opened(tmp_path, **options)
    assert found_names == tuple(names)
    assert found == {
        f"00/{n}.png": int(label) for n, label in enumerate(labels, 1)
    }
    assert f"1 not in {file}" in caplog.text
    # Other labels are other data.
    plain = put(tmp_path / "plain", "00/1.png", "00/2.png")
    assert opened(plain, num_classes=0)[1] == ("00",)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("dataset.json", "no json", "cannot be used as a table of labels"),
        ("dataset.json", "[]", "cannot be used as a table of labels"),
        (*styled([["1.png", [0.5, 0.2]]]), "a name or a whole number"),
        (*styled([["1.png", 1.5]]), "a name or a whole number"),
        (
            "metadata.csv",
            "name,label\n1.png,a\n",
            "table of labels: 'file_name'",
        ),
        ("metadata.csv", "file_name,label\n1.png,\n", "Received: ''"),
        ("metadata.jsonl", "{}\n[", "cannot be used as a table of labels"),
    ],
)
def test_odd_tables_are_refused_in_a_line(tmp_path, file, text, words):
    put(tmp_path, "1.png")
    (tmp_path / file).write_text(text)
    with pytest.raises(UserError) as caught:
        opened(tmp_path)
    assert words in str(caught.value) and file in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_without_labels_leaves_the_folders(tmp_path):
    put(tmp_path, "cat/1.png", "dog/1.png")
    (tmp_path / "dataset.json").write_text('{"labels": null}')
    assert opened(tmp_path)[1] == ("cat", "dog")
    with pytest.raises(UserError, match="`label_key` should be"):
        put(tmp_path / "flat", "1.png")
        opened(tmp_path / "flat", label_key="kind")


def test_a_file_of_the_table_that_is_not_there_is_named(tmp_path):
    put(tmp_path, "1.png", "2.png")
    (tmp_path / "metadata.csv").write_text(
        "file_name,label\n1.png,a\n2.png,b\n3.png,b\n"
    )
    with pytest.raises(UserError, match="cannot read .*3.png: No such file"):
        open_dataset("folder", path=str(tmp_path), image_size=8)
    skipped = open_dataset(
        "folder", path=str(tmp_path), image_size=8, on_unreadable="skip"
    )
    assert skipped.num_examples == 2


def test_a_short_read_goes_on_until_the_whole_is_there(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(bytes(range(200)))
    read = os.pread
    monkeypatch.setattr(os, "pread", lambda f, n, at: read(f, min(n, 3), at))
    assert decoding.read_bytes(path, 20, 100) == bytes(range(20, 120))
    with pytest.raises(decoding.UnreadableError, match="20 bytes of 30"):
        decoding.read_bytes(path, 180, 30)
