from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_files import squares, write_png
from PIL import Image

from gensynth.errors import DataError, OptionError
from gensynth.tables.imagefile import as_array, eight_bits, load_image, read_image, resized

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def test_grey_stays_grey_and_colour_stays_colour(tmp_path: Path) -> None:
    grey = squares(1)[0]
    assert np.array_equal(read_image(write_png(tmp_path / "g.png", grey)), grey)
    colour = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    assert np.array_equal(read_image(write_png(tmp_path / "c.png", colour)), colour)
    assert read_image(tmp_path / "c.png", channels=1).shape == (5, 7)
    assert np.array_equal(read_image(tmp_path / "g.png", channels=3), np.repeat(grey[..., None], 3, -1))


def test_transparent_parts_are_laid_on_white(tmp_path: Path) -> None:
    image = Image.new("RGBA", (2, 1), (*RED, 255))
    image.putpixel((1, 0), (*RED, 0))
    image.save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").tolist() == [[list(RED), list(WHITE)]]
    assert load_image(tmp_path / "a.png", None, None).changes == {"alpha"}
    Image.new("LA", (2, 1), (7, 255)).save(tmp_path / "opaque.png")
    loaded = load_image(tmp_path / "opaque.png", None, None)
    assert (loaded.pixels.tolist(), loaded.changes) == ([[7, 7]], frozenset())


def test_a_palette_is_grey_where_its_colours_are(tmp_path: Path) -> None:
    for name, image, shape in (
        ("g", Image.new("RGB", (3, 2), (9, 9, 9)), (2, 3)),
        ("c", Image.new("RGB", (3, 2), RED), (2, 3, 3)),
    ):
        image.quantize(4).save(tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as written:
            assert written.mode == "P"
        assert read_image(tmp_path / f"{name}.png").shape == shape
    image = Image.new("RGB", (3, 2), RED).quantize(4)
    image.save(tmp_path / "t.png", transparency=image.getpixel((0, 0)))
    assert (read_image(tmp_path / "t.png") == 255).all()


def test_grey_values_of_sixteen_bits_stay_such(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 257, 65535]], dtype=np.uint16)).save(tmp_path / "deep.png")
    loaded = load_image(tmp_path / "deep.png", None, None)
    assert loaded.pixels.tolist() == [[0, 257, 65535]]
    assert (loaded.pixels.dtype.name, set(loaded.changes)) == ("uint16", set())
    assert eight_bits(loaded.pixels.astype(np.uint16)).tolist() == [[0, 1, 255]]
    coloured = load_image(tmp_path / "deep.png", None, 3)
    assert coloured.pixels[0, 2].tolist() == [255, 255, 255]
    assert coloured.changes == {"depth"}
    values = np.arange(64, dtype=np.uint16).reshape(8, 8) * 900
    Image.fromarray(values).save(tmp_path / "deep.png")
    small = read_image(tmp_path / "deep.png", image_size=4)
    assert (small.shape, small.dtype.name) == ((4, 4), "uint16")
    assert abs(float(small.mean()) - values.mean()) < 300
    assert as_array(Image.fromarray(values)).tolist() == values.tolist()


def test_black_and_white_and_cmyk(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "bits.png")
    assert read_image(tmp_path / "bits.png").tolist() == [[255, 0]]
    Image.new("RGB", (16, 16), BLUE).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    pixels = read_image(tmp_path / "print.jpg")
    assert pixels.shape == (16, 16, 3)
    assert np.abs(pixels.astype(int) - BLUE).max() < 20


def test_a_photo_stands_upright(tmp_path: Path) -> None:
    image = Image.new("L", (16, 8), 0)
    image.paste(255, (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by a quarter
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    pixels = read_image(tmp_path / "turned.jpg")
    assert pixels.shape == (16, 8)
    assert pixels[:7].min() > 200
    assert pixels[9:].max() < 50


def test_resizing_cuts_around_the_centre(tmp_path: Path) -> None:
    image = np.zeros((10, 30), dtype=np.uint8)
    image[:, 10:20] = 255
    path = write_png(tmp_path / "wide.png", image)
    assert read_image(path, image_size=5).min() > 180  # interpolation looks a little beyond the cut
    assert read_image(path, image_size=(4, 12)).shape == (4, 12)
    assert resized(image, (5, 5)).min() > 180


def test_a_large_photo_is_what_it_is_without_the_fast_decoder(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:400, :600]
    image = np.stack([rows * 255 // 400, columns * 255 // 600, rows * 0], -1).astype(np.uint8)
    Image.fromarray(image).save(tmp_path / "photo.jpg", quality=95)
    small = read_image(tmp_path / "photo.jpg", image_size=32).astype(int)
    assert np.abs(small - resized(image, (32, 32))).max() < 8


def test_floats_are_resized_within_their_range() -> None:
    image = np.random.default_rng(0).random((9, 9, 2))
    out = resized(image, (5, 4))
    assert (out.shape, out.dtype) == ((5, 4, 2), image.dtype)
    assert out.min() >= image.min()
    assert out.max() <= image.max()


@pytest.mark.parametrize("cut", [0, 20, 60])
def test_a_damaged_file_is_named(tmp_path: Path, cut: int) -> None:
    path = write_png(tmp_path / "x.png", squares(1, 32)[0])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"x\.png cannot be read"):
        read_image(path)


def test_other_things_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(DataError, match=r"text\.png cannot be read: no PNG or JPEG image"):
        read_image(tmp_path / "text.png")
    with pytest.raises(DataError, match="there is no file"):
        read_image(tmp_path / "absent.png")
    for size in (0, (3,), (3, 4, 5), 2.5, "32"):
        with pytest.raises(OptionError, match="image_size must be"):
            read_image(tmp_path / "text.png", image_size=size)  # type: ignore[arg-type]
