"""The `csv` section of a dataset file: separator, number signs, encoding and quotes of CSV files."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from domain.wording import did_you_mean

ENCODINGS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf-8-sig": "utf-8",
    "utf-16": "utf-16",
    "utf16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-16be": "utf-16-be",
    "cp1252": "cp1252",
    "windows-1252": "cp1252",
    "latin-1": "latin-1",
    "latin1": "latin-1",
    "iso-8859-1": "latin-1",
    "iso-8859-15": "iso-8859-15",
    "cp1250": "cp1250",
    "windows-1250": "cp1250",
    "cp1251": "cp1251",
    "windows-1251": "cp1251",
    "mac-roman": "mac-roman",
    "shift_jis": "cp932",
    "cp932": "cp932",
    "gb18030": "gb18030",
}
"""Python codec by the encoding name used in dataset files."""

WORDS = {"tab": "\t", "\\t": "\t", "space": " "}
"""Signs that dataset files write as words."""

_SPACES = (" ", "\u00a0", "\u202f")
_THOUSANDS = (".", ",", "'", "’", *_SPACES)


class CsvSpec(BaseModel):
    """Format of CSV files. Missing keys are taken from the general section, then from the defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    separator: str = Field(",", description="sign between values, or `tab`; a first line `sep=;` is recognized")
    decimal: str = Field(".", description="decimal sign of numbers: `.` or `,`")
    thousands: str | None = Field(None, description="sign between thousands: `,` `.` `'` or `space`")
    encoding: str = Field("utf-8", description="`utf-8`, `utf-16`, `cp1252`, `latin-1` …; a byte order mark is skipped")
    quote: str = Field('"', description="quote around values: `\"`, `'` or `none`")

    @property
    def delimiter(self) -> str:
        """Separator as a character."""
        return WORDS.get(self.separator, self.separator)

    @property
    def grouping(self) -> str:
        """Accepted signs between thousands; `space` includes non-breaking spaces."""
        sign = WORDS.get(self.thousands or "", self.thousands or "")
        return "".join(_SPACES) if sign in _SPACES else sign

    @property
    def quote_sign(self) -> str | None:
        """Quote character, None if values are never quoted."""
        return None if self.quote == "none" else self.quote

    @property
    def codec(self) -> str:
        """Python codec of the encoding."""
        return ENCODINGS[self.encoding.lower()]

    def over(self, general: "CsvSpec | None") -> "CsvSpec":
        """This section, completed with the keys that only the general section sets."""
        inherited = general.model_dump(exclude_unset=True) if general else {}
        return CsvSpec.model_validate(inherited | self.model_dump(exclude_unset=True))


def csv_problems(spec: CsvSpec) -> Iterator[tuple[str, str]]:
    """Key and error message of each invalid value."""
    sign = spec.delimiter
    if len(sign) != 1 or not sign.isascii() or sign.isalnum() or sign in "\"'\r\n.":
        yield "separator", f"`{spec.separator}` is not a separator; write one sign such as ; or the word tab"
    if spec.decimal not in (".", ","):
        yield "decimal", f"`{spec.decimal}` is not a decimal sign; write . or ,"
    if spec.thousands is not None and spec.grouping[:1] not in _THOUSANDS:
        yield "thousands", f"`{spec.thousands}` is not a sign between thousands; write one of , . ' or the word space"
    elif spec.grouping == spec.decimal:
        yield "thousands", f"`{spec.thousands}` is also the decimal sign; write another `decimal`"
    if spec.encoding.lower() not in ENCODINGS:
        hint = did_you_mean(spec.encoding, ENCODINGS) or "; write utf-8, utf-16, cp1252 or latin-1"
        yield "encoding", f"`{spec.encoding}` is not a known encoding{hint}"
    if spec.quote not in ('"', "'", "none"):
        yield "quote", f"`{spec.quote}` is not a quote; write \", ' or none"
