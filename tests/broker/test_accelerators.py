"""Accelerator names resolve as people write them, to nominal facts."""

from __future__ import annotations

import pytest

from broker.accelerators import UnknownAccelerator, accelerators, canonical, identify


def names(text: str) -> list[str]:
    """Return the canonical names `text` means."""
    return [one.name for one in canonical(text)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("H100", ["H100"]),
        ("h100-sxm5", ["H100"]),
        ("H100 NVL", ["H100-NVL"]),
        ("H100:94GB", ["H100-NVL"]),
        ("H100_PCIe", ["H100-PCIE"]),
        ("A100", ["A100-40", "A100-80"]),
        ("A100:80GB", ["A100-80"]),
        ("A100-80GB", ["A100-80"]),
        ("a100:40g", ["A100-40"]),
        ("V100", ["V100"]),
        ("V100-32GB", ["V100-32"]),
        ("NVIDIA A10G", ["A10G"]),
        ("A10", ["A10"]),
        ("L40S:48GB", ["L40S"]),
        ("B300:288GB", ["B300"]),
        ("RTX PRO Server 6000", ["RTX-PRO-6000"]),
        ("nvidia-rtx-pro-6000", ["RTX-PRO-6000"]),
        ("Radeon Pro V520", ["V520"]),
        ("Qualcomm AI100", ["QAIC100"]),
        ("T4g", ["T4G"]),
        ("Trainium", ["Trainium1"]),
        ("ct5lp", ["TPU-v5e"]),
        ("nvidia-h100-mega-80gb", ["H100"]),
    ],
)
def test_names_people_and_providers_write_resolve(written: str, meant: list[str]) -> None:
    """Case, punctuation, vendor names, memory sizes and provider spellings all resolve."""
    assert names(written) == meant


@pytest.mark.parametrize(
    ("written", "hint"),
    [("H10", "H100"), ("H100:40GB", "H100"), ("MI300", "MI300X"), ("Tranium2", "Trainium2")],
)
def test_unknown_names_come_with_the_nearest(written: str, hint: str) -> None:
    """A typo raises a LookupError that names what was probably meant."""
    with pytest.raises(UnknownAccelerator) as caught:
        canonical(written)
    assert isinstance(caught.value, LookupError)
    assert hint in caught.value.nearest
    assert hint in str(caught.value)


def test_nonsense_has_no_nearest() -> None:
    """A name like nothing known says so without a wild guess."""
    with pytest.raises(UnknownAccelerator, match=r"'quux-9'$") as caught:
        canonical("quux-9")
    assert caught.value.nearest == ()


@pytest.mark.parametrize(
    ("name", "usable_gib", "meant"),
    [
        ("A100", 40.0, "A100-40"),
        ("A100", 79.2, "A100-80"),
        ("V100", 32.0, "V100-32"),
        ("V100", 16.0, "V100"),
        ("A10G", 22888 / 1024, "A10G"),
        ("L40S", 45776 / 1024, "L40S"),
        ("H100", 80.0, "H100"),
        ("H100", 94.0, "H100-NVL"),
        ("Trainium2", 512.0, "Trainium2"),
    ],
)
def test_usable_memory_picks_the_variant(name: str, usable_gib: float, meant: str) -> None:
    """Usable memory below nominal, or a plainly wrong one, still finds the right variant."""
    assert identify(name, usable_gib).name == meant


@pytest.mark.parametrize(
    ("name", "memory_gib"),
    [
        ("A10G", 24),
        ("L4", 24),
        ("L40S", 48),
        ("T4", 16),
        ("H100", 80),
        ("H100-NVL", 94),
        ("H200", 141),
        ("Trainium2", 96),
        ("MI300X", 192),
        ("MI325X", 256),
        ("B200", 180),
    ],
)
def test_memory_is_nominal(name: str, memory_gib: float) -> None:
    """Trap 6, 5 and 14: usable, driver-made-up and half-module memories are not taken over."""
    assert accelerators()[name].memory_gib == memory_gib


def test_disputed_figures_are_the_vendor_ones() -> None:
    """Trap 14: no doubled bandwidth, no sparse rate, no swapped power figure."""
    known = accelerators()
    assert known["MI300X"].bandwidth_gb_per_s == 5300
    assert known["H200"].bf16_dense_tflops == 989
    assert known["H100-NVL"].bf16_dense_tflops == 835
    assert known["L40S"].tdp_w == 350
    assert known["V100"].tdp_w == 300
    assert known["A10G"].bf16_dense_tflops == 70


def test_every_accelerator_is_found_by_its_own_name() -> None:
    """A canonical name always means that accelerator alone, and carries its source."""
    for name, one in accelerators().items():
        assert [found.name for found in canonical(name)] == [name]
        assert one.source
        assert one.memory_gib > 0
