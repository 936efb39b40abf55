"""The command `split`: two files or none, and halves whose words are the same on both sides."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from bitmason.files import write_whole
from tests.cli.command import batch, hidden, refused, run, save
from tests.frontend.onnx_models import Net, f32, weights_of
from tests.frontend.test_splitting import image_network, network


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(network("float").SerializeToString())
    return path


def split(net: Path, head: Path, tail: Path, at: str = "middle") -> tuple[str | Path, ...]:
    return ("split", net, "--at", at, "--head", head, "--tail", tail)


def test_writes_both_halves(net: Path, tmp_path: Path) -> None:
    head, tail = tmp_path / "head.onnx", tmp_path / "tail.onnx"
    done = run(*split(net, head, tail))
    assert (done.status, done.out, done.err) == (0, f"wrote {head}, {tail}\n", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "head.onnx",
        "net.onnx",
        "tail.onnx",
    ]


@pytest.mark.parametrize(
    ("head", "tail", "message"),
    [
        ("net.onnx", "tail.onnx", "the model and --head are the same file"),
        ("head.onnx", "absent/../net.onnx", "the model and --tail are the same file"),
        ("head.onnx", "./head.onnx", "--head and --tail are the same file"),
        ("link.onnx", "tail.onnx", "the model and --head are the same file"),
    ],
)
def test_no_file_is_replaced_by_what_is_made_of_it(
    net: Path, tmp_path: Path, head: str, tail: str, message: str
) -> None:
    before = net.read_bytes()
    (tmp_path / "absent").mkdir()
    (tmp_path / "link.onnx").symlink_to(net)
    shown = refused(*split(net, tmp_path / head, tmp_path / tail))
    assert shown.startswith(f"error[C001]: {message}, ")
    assert "\n  help: give --" in shown
    assert net.read_bytes() == before
    assert not (tmp_path / "head.onnx").exists()
    assert not (tmp_path / "tail.onnx").exists()


def test_simulate_does_not_replace_its_inputs(compiled: Path, tmp_path: Path) -> None:
    inputs = save(tmp_path / "x.npy", batch(4))
    shown = refused("simulate", compiled, "--inputs", inputs, "--outputs", tmp_path / "." / "x.npy")
    assert shown.startswith("error[C001]: --inputs and --outputs are the same file, ")
    np.testing.assert_array_equal(np.load(inputs), batch(4))


@pytest.mark.parametrize(("head", "tail"), [("h.onnx", "no/t.onnx"), ("no/h.onnx", "t.onnx")])
def test_places_are_checked_before_any_work(
    net: Path, tmp_path: Path, head: str, tail: str
) -> None:
    with mock.patch("bitmason.link.split", side_effect=AssertionError):
        shown = refused(*split(net, tmp_path / head, tmp_path / tail))
    assert "error[C002]: outputs cannot be written: there is no folder " in shown
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_a_half_without_hardware_is_not_compared(net: Path, tmp_path: Path) -> None:
    head, tail = tmp_path / "head.onnx", tmp_path / "tail.onnx"
    assert run(*split(net, head, tail, "first")).status == 0
    config = tmp_path / "bus.toml"
    config.write_text("bus_bits = 32\n")
    shown = refused("compile", head, "-o", tmp_path / "p", "--config", config)
    assert "error[P003]: no layer of the network is in hardware, so " in shown
    assert run("compile", tail, "-o", tmp_path / "p", "--config", config).status == 0


def test_no_half_is_left_alone(net: Path, tmp_path: Path) -> None:
    head, tail = tmp_path / "head.onnx", tmp_path / "tail.onnx"

    def full(path: Path, content: bytes) -> None:
        if path == tail:
            raise OSError(28, "No space left on device")
        write_whole(path, content)

    with mock.patch("bitmason.link.write_whole", side_effect=full):
        shown = refused(*split(net, head, tail))
    assert "no space left on device" in shown.lower()
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    assert hidden(tmp_path) == []


def test_rejects_halves_of_other_widths(tmp_path: Path) -> None:
    net = tmp_path / "net.onnx"
    net.write_bytes(network("integer").SerializeToString())
    shown = refused(*split(net, tmp_path / "head.onnx", tmp_path / "tail.onnx"))
    assert shown == (
        "net.onnx#middle: error[F022]: the hardware of one half gives uint3, that of the other "
        "takes int4\n"
        "  help: give the quantiser the range of what it is given (behind a ReLU: unsigned), or "
        "split at another one\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_rejects_halves_of_another_order(tmp_path: Path) -> None:
    net = tmp_path / "net.onnx"
    scale = f32([0.25, 0.5, 1]).reshape(1, 3, 1, 1)
    net.write_bytes(image_network("channels", scale=scale).SerializeToString())
    shown = refused(*split(net, tmp_path / "head.onnx", tmp_path / "tail.onnx"))
    assert "net.onnx#middle: error[F022]: this quantiser has several scales, and " in shown
    image = Net(1, 3, 4, 4)
    first = image.quant(image.node("Add", image.quant("x"), image.const(f32(0.25))), name="middle")
    kernel = image.quant(image.const(weights_of(3, 27).reshape(3, 3, 3, 3), "k"), 0.25)
    image.node("Conv", first, kernel)
    net.write_bytes(image.model().SerializeToString())
    shown = refused(*split(net, tmp_path / "head.onnx", tmp_path / "tail.onnx"))
    assert shown == (
        "net.onnx#middle: error[F022]: the hardware of one half gives numbers in another order "
        "than that of the other takes\n"
        "  note: number 1 of a frame leaves as element 1, and enters as element 16\n"
        "  help: split behind a convolution or a pool, whose pixels have all channels together\n"
    )
