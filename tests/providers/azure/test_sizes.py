"""A size's name tells its accelerator and, with its vCPUs, how much of it there is."""

from __future__ import annotations

from fractions import Fraction

import pytest

from providers.azure.sizes import Device, device_of, family_key, is_gpu_size, is_wanted

# size, vCPUs, GPUs the API reports, accelerator, devices, memory of a whole one
FACTS = [
    ("Standard_NV6ads_A10_v5", 6, 1, "A10", 1 / 6, 24),
    ("Standard_NV12ads_A10_v5", 12, 1, "A10", 1 / 3, 24),
    ("Standard_NV18ads_A10_v5", 18, 1, "A10", 1 / 2, 24),
    ("Standard_NV36ads_A10_v5", 36, 1, "A10", 1, 24),
    ("Standard_NV36adms_A10_v5", 36, 1, "A10", 1, 24),
    ("Standard_NV72ads_A10_v5", 72, 2, "A10", 2, 24),
    ("Standard_NC8ads_A10_v4", 8, 1, "A10", 1 / 2, 24),
    ("Standard_NC32ads_A10_v4", 32, 2, "A10", 2, 24),
    ("Standard_NC4as_T4_v3", 4, 1, "T4", 1, 16),
    ("Standard_NC64as_T4_v3", 64, 4, "T4", 4, 16),
    ("Standard_NC24ads_A100_v4", 24, 1, "A100-80", 1, 80),
    ("Standard_NC96ads_A100_v4", 96, 4, "A100-80", 4, 80),
    ("Standard_ND96asr_v4", 96, 8, "A100-40", 8, 40),
    ("Standard_ND96amsr_A100_v4", 96, 8, "A100-80", 8, 80),
    ("Standard_NC40ads_H100_v5", 40, 1, "H100-NVL", 1, 94),
    ("Standard_NC80adis_H100_v5", 80, 8, "H100-NVL", 2, 94),
    ("Standard_NCC40ads_H100_v5", 40, 1, "H100-NVL", 1, 94),
    ("Standard_ND96isr_H100_v5", 96, 8, "H100", 8, 80),
    ("Standard_ND96is_flex_H100_v5", 96, 8, "H100", 8, 80),
    ("Standard_ND96isrf_H200_v5", 96, 8, "H200", 8, 141),
    ("Standard_ND96is_MI300X_v5", 96, 0, "MI300X", 8, 192),
    ("Standard_ND128isr_NDR_GB200_v6", 128, 4, "GB200", 4, 186),
    ("Standard_ND128isrf_NDR_GB200_v6", 128, 4, "GB200", 4, 186),
    ("Standard_ND128isr_GB300_v6", 128, 4, "GB300", 4, 278),
    ("Standard_ND40rs_v2", 40, 8, "V100-32", 8, 32),
    ("Standard_NC6s_v3", 6, 1, "V100", 1, 16),
    ("Standard_NC24rs_v3", 24, 4, "V100", 4, 16),
    ("Standard_NC24r_Promo", 24, 4, "K80", 4, 12),
    ("Standard_NV48s_v3", 48, 4, "M60", 4, 8),
    ("Standard_NV24s_v2", 24, 4, "M60", 4, 8),
    ("Standard_NV4as_v4", 4, 1, "MI25", 1 / 8, 16),
    ("Standard_NG8ads_V620_v1", 8, 0, "V620", 1 / 4, 32),
    ("Standard_NG32adms_V620", 32, 0, "V620", 1, 32),
    ("Standard_NV4ads_V710_v5", 4, 0, "V710", 1 / 6, 28),
    ("Standard_NV28adms_V710_v5", 28, 0, "V710", 1, 28),
    ("Standard_NC288ds_xl_RTXPRO6000BSE_v6", 288, 2, "RTX-PRO-6000", 2, 96),
]


@pytest.mark.parametrize(("size", "vcpus", "reported", "name", "count", "memory_gib"), FACTS)
def test_every_series_has_its_card_count_and_memory(
    size: str, vcpus: int, reported: int, name: str, count: float, memory_gib: float
) -> None:
    """Slices count as fractions, whatever whole number the API reports for them."""
    device = device_of(size, vcpus=vcpus, reported=Fraction(reported))
    assert device == Device(name=name, memory_gib=memory_gib, count=count)


def test_a_count_nobody_documents_stays_unknown() -> None:
    """One reported RTX PRO 6000 may be a slice, and an unreported H100 is no eight."""
    sliced = device_of("Standard_NC36ds_xl_RTXPRO6000BSE_v6", vcpus=36, reported=Fraction(1))
    unreported = device_of("Standard_ND96isr_H100_v5", vcpus=96, reported=None)
    assert sliced is not None
    assert sliced.count is None
    assert unreported is not None
    assert unreported.count is None


def test_an_unknown_name_has_no_device() -> None:
    """A series that is not in the table is not guessed from its parts."""
    assert device_of("Standard_ND96isr_X999_v9", vcpus=96, reported=Fraction(8)) is None


@pytest.mark.parametrize(
    ("size", "is_gpu", "wanted"),
    [
        ("Standard_ND96isr_H100_v5", True, True),
        ("Standard_NP10s", False, False),
        ("Standard_D16ads_v5", False, True),
        ("Standard_E8-2as_v5", False, False),
        ("Standard_DC4s_v3", False, False),
        ("Standard_D2_v3", False, False),
    ],
)
def test_gpu_sizes_and_todays_cpu_sizes_are_wanted(size: str, is_gpu: bool, wanted: bool) -> None:
    """FPGA, constrained, confidential and older CPU sizes are left out."""
    assert is_gpu_size(size) is is_gpu
    assert is_wanted(size, frozenset({"v5", "v6"})) is wanted


@pytest.mark.parametrize(
    "spelling",
    ["Standard NCASv3_T4 Family", "standardNCASv3T4Family", "STANDARD NCASV3 T4 FAMILY"],
)
def test_a_family_is_one_however_it_is_spelt(spelling: str) -> None:
    """Case, spaces and underscores do not tell families apart."""
    assert family_key(spelling) == "standardncasv3t4family"
