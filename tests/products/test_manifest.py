"""What a manifest promises is checked against the bytes; the digests are those of hashlib."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from landcover.errors import CancelledError, InputError
from landcover.products.manifest import ManifestEntry, check_manifest, read_manifest

# FIPS 202 and RFC 1321: SHA3-256 and MD5 of "abc".
SHA3_ABC = "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"
MD5_ABC = "900150983cd24fb0d6963f7d28e17f72"
# A real delivery whose manifest lies beside the metadata that it was made for.
REAL = "safe-metadata/S2A_MSIL2A_20230821T221941_N0509_R029_T01KAB_20230822T021825.SAFE"


def product(folder: Path, kind: str, checksum: str, size: str = 'size="3"') -> list[Path]:
    image = folder / "GRANULE" / "x.jp2"
    image.parent.mkdir(exist_ok=True)
    image.write_bytes(b"abc")
    (folder / "manifest.safe").write_text(
        '<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1"><dataObjectSection><dataObject>'
        f'<byteStream {size}><fileLocation href="./GRANULE/x.jp2"/>'
        f'<checksum checksumName="{kind}">{checksum}</checksum></byteStream>'
        "</dataObject></dataObjectSection></xfdu:XFDU>"
    )
    return [image]


@pytest.mark.parametrize(
    ("kind", "checksum"),
    [("SHA3-256", SHA3_ABC), ("MD5", MD5_ABC), ("md5", MD5_ABC.upper()), ("CRC-99", "unknown")],
)
@pytest.mark.parametrize("size", ['size="3"', "", 'size="?"'])
def test_kept(tmp_path: Path, kind: str, checksum: str, size: str) -> None:
    check_manifest(tmp_path, product(tmp_path, kind, checksum, size))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ab", "x.jp2: damaged or only partly uploaded: manifest.safe promises 3 bytes, found 2."),
        (b"abd", "manifest.safe promises checksum 3a985da74fe2…, found "),
    ],
)
def test_broken(tmp_path: Path, content: bytes, says: str) -> None:
    (image,) = product(tmp_path, "SHA3-256", SHA3_ABC)
    image.write_bytes(content)
    with pytest.raises(InputError) as told:
        check_manifest(tmp_path, [image])
    assert says in str(told.value)
    assert "Deliver the file again" in str(told.value)


def test_what_is_not_named_is_taken_as_it_is(tmp_path: Path) -> None:
    product(tmp_path, "MD5", MD5_ABC)
    other = tmp_path.parent / f"{tmp_path.name}-beside.tif"
    other.write_bytes(b"abd")
    check_manifest(tmp_path, [other])
    (tmp_path / "manifest.safe").unlink()
    check_manifest(tmp_path, [other])


def test_it_can_be_stopped_between_files(tmp_path: Path) -> None:
    def stop() -> None:
        raise CancelledError("stopped")

    with pytest.raises(CancelledError):
        check_manifest(tmp_path, product(tmp_path, "MD5", MD5_ABC), stop)


def test_a_damaged_manifest_is_told(tmp_path: Path) -> None:
    (image,) = product(tmp_path, "MD5", MD5_ABC)
    (tmp_path / "manifest.safe").write_text("<XFDU")
    with pytest.raises(InputError, match=r"manifest.safe: not valid XML"):
        check_manifest(tmp_path, [image])


def test_a_real_manifest(data_dir: Path) -> None:
    folder = data_dir / REAL
    entries = read_manifest(folder)
    assert len(entries) == 86
    assert sum(name.endswith(".jp2") for name in entries) == 68
    here = [folder / name for name in entries if (folder / name).is_file()]
    assert len(here) == 2
    check_manifest(folder, here)
    path = folder / "MTD_MSIL2A.xml"
    digest = hashlib.sha3_256(path.read_bytes()).hexdigest()
    assert entries["MTD_MSIL2A.xml"] == ManifestEntry(path.stat().st_size, "sha3_256", digest)
