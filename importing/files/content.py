"""Detection of file formats and encodings from the content, regardless of the file's name."""

import gzip
import re
import zlib

from domain.errors import InvalidDataset
from importing.format.csv_section import CsvSpec

GZIP, PARQUET, ZIP = b"\x1f\x8b", b"PAR1", b"PK\x03\x04"

_FORMS = {
    PARQUET: "Parquet: name it .parquet",
    b"\xd0\xcf\x11\xe0": "an old (.xls) or encrypted Excel file: save it as .xlsx without a password",
    b"ARROW1": "an Arrow file: write it as Parquet",
    b"\x28\xb5\x2f\xfd": "packed with zstd: unpack it, or pack it with gzip",
    b"BZh": "packed with bzip2: unpack it, or pack it with gzip",
    b"\xfd7zXZ": "packed with xz: unpack it, or pack it with gzip",
    b"SQLite format 3\0": "an SQLite database: export its tables as CSV",
    b"%PDF": "a PDF: export the table as CSV",
}
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype|html|\?xml|table)", re.IGNORECASE)
_JSON = re.compile(rb"\s*(?:\{\s*\"|\[\s*\{)")
_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_HEAD = 4096


def unpacked(content: bytes, label: str, name: str) -> bytes:
    """Decompress gzip content, detected by its first bytes. Raises InvalidDataset for a `.gz` file that is not gzip."""
    if not content.startswith(GZIP):
        if name.endswith(".gz"):
            raise InvalidDataset(f"{label}: not a gzip file, although its name ends in .gz: name it .csv")
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InvalidDataset(f"{label}: truncated or damaged gzip file ({error}); download it again") from error


def refuse_other_forms(content: bytes, label: str) -> None:
    """Raise InvalidDataset for content that is certainly not CSV, naming the format and the remedy."""
    if content.startswith(ZIP):
        excel = b"xl/" in content
        raise InvalidDataset(
            f"{label}: {'an Excel file: name it .xlsx' if excel else 'a zip file: unpack it'}, it is not CSV"
        )
    if form := next((form for start, form in _FORMS.items() if content.startswith(start)), None):
        raise InvalidDataset(f"{label}: {form}")
    if _WEB_PAGE.match(content):
        raise InvalidDataset(f"{label}: a web page or XML, not CSV: was the download refused, or saved as a page?")
    if _JSON.match(content):
        raise InvalidDataset(f"{label}: JSON, not CSV: export it as CSV or Parquet")


def refuse_other_than_parquet(head: bytes, label: str) -> None:
    """Raise InvalidDataset for a `.parquet` file that is compressed as a whole or has another format."""
    if head.startswith(GZIP):
        raise InvalidDataset(f"{label}: Parquet inside gzip: unpack it, Parquet compresses its own columns")
    if not head.startswith(PARQUET):
        refuse_other_forms(head, label)


def as_utf8(content: bytes, csv: CsvSpec, label: str) -> bytes:
    """Transcode CSV text from the declared encoding to UTF-8. UTF-8 input is not checked here.

    Raises InvalidDataset if the bytes show a different encoding than declared.
    """
    declared = csv.codec
    shown = next((codec for bom, codec in _BOMS.items() if content.startswith(bom)), None) or _utf16(content)
    if shown and shown != declared and not (declared == "utf-16" and shown.startswith("utf-16")):
        raise InvalidDataset(f"{label}: {_other_encoding(shown, content, csv)}")
    if declared == "utf-8":
        return content
    if declared.startswith("utf-16") and not shown:
        raise InvalidDataset(f"{label}: not {csv.encoding} text: set csv: encoding correctly, or remove it")
    if not declared.startswith("utf-16") and _is_utf8(content):
        raise InvalidDataset(f"{label}: UTF-8, not {csv.encoding}: write csv: {{encoding: utf-8}}")
    return _transcoded(content, shown or declared, csv, label)


def not_utf8(content: bytes, first: int = 1) -> str:
    """Error naming the first line that is not UTF-8, counted from `first`, and the remedy; empty for valid UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(10) + first
        return (
            f"line {line} is not UTF-8 text: add csv: {{encoding: cp1252}} if it comes from Windows, or save as UTF-8"
        )
    return ""


def _utf16(content: bytes) -> str | None:
    """Detect UTF-16 by its zero bytes, which are every second byte of plain text."""
    head = content[:_HEAD]
    low, high = head[1::2].count(0), head[0::2].count(0)
    if max(low, high) * 2 < len(head) // 2 or len(head) < 4 or min(low, high) * 4 > max(low, high):
        return None
    return "utf-16-le" if low > high else "utf-16-be"


def _other_encoding(shown: str, content: bytes, csv: CsvSpec) -> str:
    has_bom = content[:2] in _BOMS
    name, key = (shown.upper()[:6], "utf-16" if has_bom else shown) if shown != "utf-8" else ("UTF-8", "utf-8")
    if "encoding" in csv.model_fields_set:
        return f"{name}, not {csv.encoding}: write csv: {{encoding: {key}}}"
    return f"{name}: add csv: {{encoding: {key}}}, or save it as UTF-8"


def _is_utf8(content: bytes) -> bool:
    """Whether non-ASCII text is valid UTF-8, which text in another encoding practically never is."""
    try:
        return not content.isascii() and bool(content.decode())
    except UnicodeDecodeError:
        return False


def _transcoded(content: bytes, codec: str, csv: CsvSpec, label: str) -> bytes:
    try:
        return content.decode(codec).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(10) + 1
        raise InvalidDataset(f"{label}: line {line} is not {csv.encoding} text: set csv: encoding correctly") from None
    except UnicodeEncodeError:
        raise InvalidDataset(f"{label}: not {csv.encoding} text: set csv: encoding correctly") from None
