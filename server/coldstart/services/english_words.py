"""What English's shorthand stands for: units, currencies, abbreviations, signs."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Noun:
    """A word that can be counted."""

    singular: str
    plural: str


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency; `small` is its hundredth, where prices are told with it."""

    large: Noun
    small: Noun | None = None


def _regular(word: str) -> Noun:
    return Noun(word, f"{word}s")


def _per(word: str, per: str) -> Noun:
    return Noun(f"{word} {per}", f"{word}s {per}")


_METRIC = {
    "km": "kilometre",
    "m": "metre",
    "cm": "centimetre",
    "mm": "millimetre",
    "µm": "micrometre",
    "nm": "nanometre",
    "kg": "kilogram",
    "g": "gram",
    "mg": "milligram",
    "µg": "microgram",
    "l": "litre",
    "L": "litre",
    "ml": "millilitre",
    "mL": "millilitre",
    "cl": "centilitre",
    "ha": "hectare",
    "J": "joule",
    "kJ": "kilojoule",
    "kcal": "kilocalorie",
    "N": "newton",
    "Pa": "pascal",
    "W": "watt",
    "kW": "kilowatt",
    "MW": "megawatt",
    "kWh": "kilowatt hour",
    "V": "volt",
    "kV": "kilovolt",
    "mA": "milliamp",
    "mAh": "milliamp hour",
    "dB": "decibel",
}
_COMPUTING = {
    "B": "byte",
    "kB": "kilobyte",
    "KB": "kilobyte",
    "MB": "megabyte",
    "GB": "gigabyte",
    "TB": "terabyte",
    "KiB": "kibibyte",
    "MiB": "mebibyte",
    "GiB": "gibibyte",
    "kbit": "kilobit",
    "Mbit": "megabit",
    "px": "pixel",
}
_TIMES = {
    "s": "second",
    "sec": "second",
    "secs": "second",
    "ms": "millisecond",
    "µs": "microsecond",
    "ns": "nanosecond",
    "min": "minute",
    "mins": "minute",
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "yr": "year",
    "yrs": "year",
}
_IMPERIAL = {"lb": "pound", "lbs": "pound", "oz": "ounce", "mi": "mile", "yd": "yard", "pt": "pint", "gal": "gallon"}

UNITS: Mapping[str, Noun] = {
    **{unit: _regular(word) for unit, word in (_METRIC | _COMPUTING | _TIMES | _IMPERIAL).items()},
    **{f"{unit}²": _regular(f"square {_METRIC[unit]}") for unit in ("km", "m", "cm", "mm")},
    **{f"{unit}³": _regular(f"cubic {_METRIC[unit]}") for unit in ("m", "cm", "mm")},
    "ft": Noun("foot", "feet"),
    "km/h": _per("kilometre", "an hour"),
    "kph": _per("kilometre", "an hour"),
    "mph": _per("mile", "an hour"),
    "m/s": _per("metre", "a second"),
    "MB/s": _per("megabyte", "a second"),
    "GB/s": _per("gigabyte", "a second"),
    "Mbit/s": _per("megabit", "a second"),
    "Hz": Noun("hertz", "hertz"),
    "kHz": Noun("kilohertz", "kilohertz"),
    "MHz": Noun("megahertz", "megahertz"),
    "GHz": Noun("gigahertz", "gigahertz"),
    "°C": _per("degree", "Celsius"),
    "°F": _per("degree", "Fahrenheit"),
    "°": _regular("degree"),
}

CURRENCIES: Mapping[str, Currency] = {
    "$": Currency(_regular("dollar"), _regular("cent")),
    "€": Currency(_regular("euro"), _regular("cent")),
    "£": Currency(_regular("pound"), Noun("penny", "pence")),
    "₹": Currency(_regular("rupee"), Noun("paisa", "paise")),
    "¥": Currency(Noun("yen", "yen")),
}

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

# Written with a point after them.
ABBREVIATIONS: Mapping[str, str] = {
    "mr": "mister",
    "mrs": "missis",
    "ms": "miz",
    "dr": "doctor",
    "prof": "professor",
    "capt": "captain",
    "lt": "lieutenant",
    "sgt": "sergeant",
    "gov": "governor",
    "rev": "reverend",
    "jr": "junior",
    "sr": "senior",
    "mt": "mount",
    "ave": "avenue",
    "blvd": "boulevard",
    "rd": "road",
    "vs": "versus",
    "etc": "et cetera",
    "approx": "approximately",
    "dept": "department",
    "govt": "government",
    "inc": "incorporated",
    "ltd": "limited",
    "corp": "corporation",
    "bros": "brothers",
    "assn": "association",
    "fig": "figure",
    "figs": "figures",
    "eq": "equation",
    "vol": "volume",
    "chap": "chapter",
    "sect": "section",
    "mon": "Monday",
    "tue": "Tuesday",
    "tues": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "thur": "Thursday",
    "thurs": "Thursday",
    "fri": "Friday",
    "cf": "compare",
    "ca": "circa",
    "viz": "namely",
}
# With these a sentence may end.
ABBREVIATIONS_AT_ENDS = frozenset({"etc", "inc", "ltd", "corp", "jr", "sr", "ave", "blvd", "rd", "bros"})

FRACTIONS: Mapping[str, str] = {
    "½": "1/2",
    "⅓": "1/3",
    "⅔": "2/3",
    "¼": "1/4",
    "¾": "3/4",
    "⅕": "1/5",
    "⅖": "2/5",
    "⅗": "3/5",
    "⅘": "4/5",
    "⅙": "1/6",
    "⅚": "5/6",
    "⅐": "1/7",
    "⅛": "1/8",
    "⅜": "3/8",
    "⅝": "5/8",
    "⅞": "7/8",
    "⅑": "1/9",
    "⅒": "1/10",
}

# Signs that no other rule has taken. Those that are not here and no punctuation are not said.
SIGNS: Mapping[str, str] = {
    "&": "and",
    "@": "at",
    "+": "plus",
    "=": "equals",
    "%": "percent",
    "‰": "per mille",
    "×": "times",
    "÷": "divided by",
    "±": "plus or minus",
    "≈": "about",
    "≠": "is not",
    "<": "less than",
    ">": "more than",
    "≤": "at most",
    "≥": "at least",
    "°": "degrees",
    "©": "copyright",
    "™": "trademark",
    "§": "section",
    "²": "squared",
    "³": "cubed",
    "√": "root",
    "∞": "infinity",
    "π": "pi",
    "№": "number",
    "→": "to",
    "µ": "micro",
    **{sign: currency.large.plural for sign, currency in CURRENCIES.items()},
}

# Of addresses that are written without https:// before them.
TOP_LEVEL_DOMAINS = (
    *("com", "org", "net", "edu", "gov", "io", "dev", "ai", "app", "info", "co.uk", "ac.uk", "eu", "de", "fr", "ch"),
)
