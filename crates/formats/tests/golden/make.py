"""Writes the golden files beside it: block conversions as the `gguf` package (0.19) does them.

    pip install numpy gguf==0.19.0 && python make.py

`TYPE.dequantize`: encoded blocks, then the f32 values they decode to.
`TYPE.quantize`: f32 values, then the blocks they encode to.
The number of blocks follows from the file's size. Everything is little-endian.
"""

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize, quantize

HERE = Path(__file__).parent

# Byte offsets of the f16 numbers in a block.
HALVES = {
    Type.F16: [0], Type.Q8_0: [0], Type.Q4_0: [0], Type.Q4_1: [0, 2],
    Type.Q4_K: [0, 2], Type.Q5_K: [0, 2], Type.Q6_K: [208],
}  # fmt: skip
# Largest, smallest normal, largest and smallest subnormal of f16, zero, an odd one; both signs.
EDGES = np.array([0x7BFF, 0x0400, 0x03FF, 0x0001, 0x0000, 0x2E66], np.uint16)
EDGES = np.concatenate([EDGES, EDGES | 0x8000])


def random_half(rng, size):
    """Random bits, any exponent but that of infinity and NaN."""
    bits = rng.integers(0, 1 << 16, size, np.uint16)
    return np.where((bits & 0x7C00) == 0x7C00, bits & 0xBFFF, bits)


def random_blocks(rng, ty):
    length, size = GGML_QUANT_SIZES[ty]
    count = 16 if length == 256 else 64
    blocks = rng.integers(0, 256, (count, size), np.uint8)
    for at, offset in enumerate(HALVES.get(ty, [])):
        halves = random_half(rng, count)
        # Against each other, so that scale and minimum are extreme together and apart.
        halves[: len(EDGES)] = np.roll(EDGES, at * 5)
        blocks[:, offset : offset + 2] = halves.view(np.uint8).reshape(-1, 2)
    if ty in (Type.F32, Type.BF16):
        # Clear one exponent bit of infinities and NaNs.
        top = blocks[:, -1] & 0x7F == 0x7F
        blocks[top, -1] &= 0xBF
    return blocks


def values_to_quantize(rng, length):
    """Rows of one block: typical weights, then the cases where rounding is delicate."""
    if length == 1:
        length = 32
    rows = [rng.normal(0, 10.0**e, length) for e in (-6, -4, -2, -1, 0, 1, 3)]
    rows += [rng.standard_t(3, length) for _ in range(4)]
    rows += [np.zeros(length), np.full(length, 0.7), np.full(length, -0.7), -np.zeros(length)]
    rows += [np.eye(length)[5], -np.eye(length)[5]]
    # The largest magnitude with both signs, either first; exact halves; all positive; tiny.
    rows += [np.resize([1.0, -1.0, 0.5], length), np.resize([-1.0, 1.0, 0.5], length)]
    rows += [np.resize(np.arange(-127, 128) + 0.5, length), np.resize(np.arange(-8, 8) / 2, length)]
    rows += [rng.uniform(1, 2, length), rng.normal(0, 1e-8, length), rng.normal(0, 1e-20, length)]
    return np.array(rows, np.float32)


def main():
    rng = np.random.default_rng(1)
    for ty in (Type.F32, Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1,
               Type.Q4_K, Type.Q5_K, Type.Q6_K):  # fmt: skip
        blocks = random_blocks(rng, ty)
        values = dequantize(blocks, ty)
        assert np.isfinite(values).all()
        (HERE / f"{ty.name}.dequantize").write_bytes(blocks.tobytes() + values.tobytes())
    for ty in (Type.F16, Type.BF16, Type.Q8_0, Type.Q4_0, Type.Q4_1):
        values = values_to_quantize(rng, GGML_QUANT_SIZES[ty][0])
        blocks = quantize(values, ty)
        (HERE / f"{ty.name}.quantize").write_bytes(values.tobytes() + blocks.tobytes())


main()
