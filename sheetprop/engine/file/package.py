"""The zip container of a workbook: reads parts within limits, writes a copy with some parts replaced.

Reading checks every size before memory is spent, so a zip bomb is an error and not a full
machine. Writing copies the compressed bytes of untouched parts as they are.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping

from sheetprop.errors import SheetpropError

TYPE_CHECKING = False  # typing costs a small workbook's time; mypy knows this name
if TYPE_CHECKING:
    from typing import BinaryIO

MAX_BYTES = 4_000_000_000
MAX_PARTS = 20_000

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_FIXED_TIME, _FIXED_DATE = 0, 0x21  # 1980-01-01: the same bytes whenever it is written
_CHUNK = 1 << 20


class Entry:
    """One part's place in the container."""

    __slots__ = ("compressed", "crc", "date", "external", "flags", "method", "name", "offset", "raw_name", "size",
                 "time")

    def __init__(self, raw_name: bytes, flags: int, method: int, time: int, date: int, crc: int, compressed: int,
                 size: int, external: int, offset: int) -> None:
        self.raw_name = raw_name
        # Some programs for Windows write the folders with backslashes.
        self.name = raw_name.decode("utf-8" if flags & 0x800 else "cp437").replace("\\", "/").lstrip("/")
        self.flags = flags
        self.method = method
        self.time = time
        self.date = date
        self.crc = crc
        self.compressed = compressed
        self.size = size
        self.external = external
        self.offset = offset


def _given(source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO) -> tuple[str, bytes]:
    """Return what messages call a source, and its bytes."""
    if isinstance(source, bytes | bytearray | memoryview):
        return "the workbook", bytes(source)
    if hasattr(source, "read"):
        data = source.read()
        name = getattr(source, "name", None)
        name = name if isinstance(name, str) else "the workbook"
        if not isinstance(data, bytes):
            raise SheetpropError(f"{name}: is opened as text; open it with mode 'rb'")
        return name, data
    try:
        path = os.fspath(source)
    except TypeError:
        raise SheetpropError(f"open: takes a path, bytes or a file object, not {type(source).__name__}") from None
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib takes longer to start than a small book
            return path, file.read()
    except FileNotFoundError:
        raise SheetpropError(f"{path}: there is no such file; check the name") from None
    except IsADirectoryError:
        raise SheetpropError(f"{path}: is a folder; give a workbook") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise SheetpropError(f"{path!r}: cannot be read ({why}); check its name and permissions") from None


class Package:
    """An open container. Part names are matched without regard to case, as Excel does.

    Args:
        source: a path, the bytes of a file, or a file object opened for reading bytes.
        max_bytes: how large the file may become when unpacked.
    """

    def __init__(self, source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO, *,
                 max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self.path, self.data = _given(source)
        self.entries: list[Entry] = []
        self._by_name: dict[str, Entry] = {}
        self._read_directory()
        if sum(entry.size for entry in self.entries) > max_bytes:
            raise SheetpropError(f"{self.path}: unpacks to more than {max_bytes:,} bytes, which may be an attack; "
                                 "raise the limit with --max-bytes if you trust it")

    def broken(self, why: str) -> SheetpropError:
        """Return the error for a container that cannot be used."""
        return SheetpropError(f"{self.path}: is no readable workbook ({why}); "
                              "open and save it again in a spreadsheet program")

    def _read_directory(self) -> None:
        data = self.data
        if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
            if "EncryptedPackage".encode("utf-16-le") in data:
                raise SheetpropError(f"{self.path}: is encrypted; save a copy without a password first")
            raise SheetpropError(f"{self.path}: is an old .xls file under another name or encrypted; "
                                 "save it as .xlsx first")
        if not data.startswith(b"PK"):
            kind = "empty" if not data else "text, perhaps a .csv" if b"\0" not in data[:4096] else "not a zip"
            raise SheetpropError(f"{self.path}: is no .xlsx or .xlsm workbook ({kind}); save it as .xlsx first")
        end = data.rfind(b"PK\x05\x06", max(0, len(data) - 65_557))
        if end < 0 or end + _END.size > len(data):
            raise self.broken("the file is truncated: its table of contents is missing")
        count, size, start = _END.unpack_from(data, end)[4:7]
        shift = end - size - start
        if count == 0xFFFF or start == 0xFFFFFFFF:
            wide = data.rfind(b"PK\x06\x06", 0, end)
            if wide < 0 or wide + 56 > len(data):
                raise self.broken("its table of contents is missing")
            count, size, start = struct.unpack_from("<3Q", data, wide + 32)
            shift = wide - size - start
        if shift < 0 or count > MAX_PARTS:
            raise self.broken("its table of contents is damaged" if shift < 0 else f"more than {MAX_PARTS} parts")
        position = start + shift
        for _ in range(count):
            if position + _CENTRAL.size > len(data) or data[position:position + 4] != b"PK\x01\x02":
                raise self.broken("its table of contents is damaged")
            (_, _, _, flags, method, time, date, crc, compressed, full, name_length, extra_length, comment_length,
             _, _, external, offset) = _CENTRAL.unpack_from(data, position)
            position += _CENTRAL.size
            name = data[position:position + name_length]
            extra = data[position + name_length:position + name_length + extra_length]
            position += name_length + extra_length + comment_length
            full, compressed, offset = _wide_sizes(extra, full, compressed, offset)
            try:
                entry = Entry(name, flags, method, time, date, crc, compressed, full, external, offset + shift)
            except UnicodeDecodeError:
                raise self.broken("a part's name is damaged") from None
            self.entries.append(entry)
            self._by_name.setdefault(entry.name.lower(), entry)

    def __contains__(self, name: str) -> bool:
        return name.lstrip("/").lower() in self._by_name

    def entry(self, name: str) -> Entry:
        """Return the place of a part.

        Raises:
            SheetpropError: the container has no such part.
        """
        found = self._by_name.get(name.lstrip("/").lower())
        if found is None:
            raise self.broken(f"its part {name} is missing")
        return found

    def raw(self, entry: Entry) -> bytes:
        """Return the part's bytes as they are stored, still compressed."""
        data, offset = self.data, entry.offset
        if offset + _LOCAL.size > len(data) or data[offset:offset + 4] != b"PK\x03\x04":
            raise self.broken(f"its part {entry.name} is not where the table of contents says")
        name_length, extra_length = _LOCAL.unpack_from(data, offset)[9:11]
        start = offset + _LOCAL.size + name_length + extra_length
        if start + entry.compressed > len(data):
            raise self.broken(f"the file is truncated inside its part {entry.name}")
        return data[start:start + entry.compressed]

    def read(self, name: str) -> bytes:
        """Return the content of a part, checked against its size and checksum.

        Raises:
            SheetpropError: the part is missing, encrypted, damaged or larger than it claims.
        """
        entry = self.entry(name)
        if entry.flags & 1:
            raise SheetpropError(f"{self.path}: is encrypted; save a copy without a password first")
        raw = self.raw(entry)
        if entry.method == 0:
            content = raw
        elif entry.method == 8:
            try:
                inflater = zlib.decompressobj(-15)
                content = inflater.decompress(raw, entry.size + 1)
            except (zlib.error, ValueError, OverflowError):
                raise self.broken(f"its part {entry.name} is damaged") from None
        else:
            raise self.broken(f"its part {entry.name} is compressed in a way that is not known")
        if len(content) != entry.size or zlib.crc32(content) != entry.crc:
            raise self.broken(f"its part {entry.name} is damaged")
        return content

    def write(self, out: BinaryIO, replaced: Mapping[str, Iterable[bytes]], dropped: Collection[str] = ()) -> None:
        """Write a copy to `out` in which the parts in `replaced` (by stored name) have new content.

        The parts in `dropped` are left out.

        Contents are given as chunks and compressed as they come (zlib level 1). All other parts
        keep their compressed bytes; a part name that is not there yet is added at the end.
        """
        directory: list[bytes] = []
        position = 0
        seen: set[str] = set()
        for entry in self.entries:
            if entry.name in dropped:
                continue
            if entry.name in replaced and entry.name not in seen:
                seen.add(entry.name)
                position = _write_new(out, directory, position, entry.raw_name, entry.flags & 0x800,
                                      replaced[entry.name], entry.external)
                continue
            raw = self.raw(entry)
            flags = entry.flags & ~8
            out.write(_LOCAL.pack(b"PK\x03\x04", 20, flags, entry.method, entry.time, entry.date, entry.crc,
                                  len(raw), entry.size, len(entry.raw_name), 0) + entry.raw_name)
            out.write(raw)
            directory.append(_CENTRAL.pack(b"PK\x01\x02", 20, 20, flags, entry.method, entry.time, entry.date,
                                           entry.crc, len(raw), entry.size, len(entry.raw_name), 0, 0, 0, 0,
                                           entry.external, position) + entry.raw_name)
            position += _LOCAL.size + len(entry.raw_name) + len(raw)
        for name in replaced:
            if name not in seen:
                position = _write_new(out, directory, position, name.encode(), 0x800, replaced[name], 0)
        table = b"".join(directory)
        if position >= 0xFFFFFFFF or len(directory) >= 0xFFFF:
            raise SheetpropError(f"{self.path}: the copy would be larger than 4 GB; that is not supported")
        out.write(table)
        out.write(_END.pack(b"PK\x05\x06", 0, 0, len(directory), len(directory), len(table), position, 0))


def _wide_sizes(extra: bytes, full: int, compressed: int, offset: int) -> tuple[int, int, int]:
    """Return sizes and offset with those that a zip64 field holds filled in."""
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        if kind == 1:
            field = extra[position + 4:position + 4 + length]
            values: list[int] = [struct.unpack_from("<Q", field, at)[0] for at in range(0, len(field) - 7, 8)]
            if full == 0xFFFFFFFF and values:
                full = values.pop(0)
            if compressed == 0xFFFFFFFF and values:
                compressed = values.pop(0)
            if offset == 0xFFFFFFFF and values:
                offset = values.pop(0)
        position += 4 + length
    return full, compressed, offset


def _write_new(out: BinaryIO, directory: list[bytes], position: int, name: bytes, flags: int,
               chunks: Iterable[bytes], external: int) -> int:
    """Compress one part into `out`, note it in `directory`, return where the next part begins.

    A chunk is compressed, without holding up Python, while the next one is made.
    """
    from concurrent.futures import Future, ThreadPoolExecutor

    out.write(_LOCAL.pack(b"PK\x03\x04", 20, flags, 8, _FIXED_TIME, _FIXED_DATE, 0, 0, 0, len(name), 0) + name)
    deflater = zlib.compressobj(1, zlib.DEFLATED, -15)
    crc = size = 0
    start = out.tell()
    with ThreadPoolExecutor(1) as second:
        packing: Future[bytes] | None = None
        for chunk in chunks:
            crc = zlib.crc32(chunk, crc)
            size += len(chunk)
            if packing is not None:
                out.write(packing.result())
            packing = second.submit(deflater.compress, chunk)
        if packing is not None:
            out.write(packing.result())
    out.write(deflater.flush())
    end = out.tell()
    compressed = end - start
    out.seek(position + 14)
    out.write(struct.pack("<3I", crc, compressed, size))
    out.seek(end)
    directory.append(_CENTRAL.pack(b"PK\x01\x02", 20, 20, flags, 8, _FIXED_TIME, _FIXED_DATE, crc, compressed, size,
                                   len(name), 0, 0, 0, 0, external, position) + name)
    return end


def pieces(chunks: Iterable[bytes], size: int = _CHUNK) -> Iterator[bytes]:
    """Join small chunks into larger ones, which compress faster."""
    held: list[bytes] = []
    length = 0
    for chunk in chunks:
        held.append(chunk)
        length += len(chunk)
        if length >= size:
            yield b"".join(held)
            held, length = [], 0
    if held:
        yield b"".join(held)
