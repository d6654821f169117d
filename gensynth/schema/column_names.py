"""Evidence about a column from its name: keys, personal data, or quantities."""

from __future__ import annotations

import re

_ANYWHERE = {"id", "ids", "key", "uuid", "guid", "rowid", "ssn", "iban", "imei", "imsi", "vin", "isbn", "ean", "upc",
             "gtin"}  # fmt: skip
_LAST = {"index", "idx", "number", "no", "nr", "num", "nummer", "account", "acct", "phone", "telephone",
         "tel", "mobile", "cellphone", "fax", "card", "passport", "barcode", "serial", "sku", "reference",
         "ref", "identifier", "email", "mail"}  # fmt: skip
_PEOPLE = {"customer", "client", "user", "patient", "member", "person", "employee", "student", "subject",
           "account", "acct", "policy", "taxpayer", "citizen", "subscriber", "cardholder", "borrower", "applicant",
           "guest", "passenger", "donor", "voter"}  # fmt: skip
_THINGS = {"order", "invoice", "ticket", "case", "claim", "record", "row", "session", "transaction", "trans", "visit",
           "encounter", "sample", "product", "item", "device", "hospital", "loan", "booking", "parcel",
           "shipment", "contract"}  # fmt: skip
_PRIVATE = {"ssn", "iban", "phone", "telephone", "tel", "mobile", "cellphone", "fax", "passport", "email", "mail",
            "card", "account", "acct", "imei", "imsi"}  # fmt: skip
_QUANTITIES = {"income", "salary", "wage", "wages", "pay", "price", "cost", "costs", "amount", "amt", "balance",
               "revenue", "sales", "profit", "value", "worth", "total", "sum", "population", "pop", "area", "volume",
               "weight", "fnlwgt", "distance", "length", "size", "count", "counts", "time", "timestamp", "date",
               "seconds", "budget", "limit", "credit", "debt", "tax", "cents", "views", "votes", "visitors", "bytes",
               "capacity", "score", "mileage", "gross", "rent", "spend", "turnover", "assets"}  # fmt: skip

_SPLIT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+")


def says_key(name: str | int) -> bool:
    """Return whether a column's name indicates keys: userId, order_no, Kontonummer."""
    words = words_of(name)
    if not words:
        return False
    if not _ANYWHERE.isdisjoint(words) or words[0] == "unnamed":
        return True
    last = words[-1]
    return last in _LAST or (len(words) == 1 and last in _PEOPLE | _THINGS)


def words_of(name: str | int) -> list[str]:
    """Return the lower-case words of a label, split before "id" and "number" too."""
    out = []
    for word in (word.lower() for word in _SPLIT.findall(str(name))):
        end = next((end for end in ("id", "number", "nummer", "no", "nr") if word.endswith(end)), "")
        stem = word.removesuffix(end)
        known = stem in _PEOPLE | _THINGS | _PRIVATE or (end in ("number", "nummer") and stem)
        out += [stem, end] if end and known else [word]
    return out


def says_people(name: str | int) -> bool:
    """Return whether a column's name indicates keys of people: customer_id, phone."""
    words = words_of(name)
    return bool(words) and (words[-1] in _PRIVATE or (says_key(name) and not _PEOPLE.isdisjoint(words)))


def says_quantity(name: str | int) -> bool:
    """Return whether a column's name indicates a quantity: income, number of visits."""
    words = words_of(name)
    return not _QUANTITIES.isdisjoint(words) or "of" in words
