"""What a picture's file says of pixels that a trained model made up: IPTC's DigitalSourceType, in XMP.

The press agrees on it, and every format that is written holds XMP.
"""

import codecs
import re
from xml.etree import ElementTree
from xml.sax.saxutils import escape

VOCABULARY = b"http://cv.iptc.org/newscodes/digitalsourcetype/"
ALL_MADE_UP, PARTLY_MADE_UP = b"trainedAlgorithmicMedia", b"compositeWithTrainedAlgorithmicMedia"
_PACKET = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    b'%s</rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>'
)
_DESCRIPTION = (
    b'<rdf:Description%s rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"\n'
    b' Iptc4xmpExt:DigitalSourceType="' + VOCABULARY + b'%s"%s</rdf:Description>\n'
)
_RDF = b' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'  # where it has another prefix
# How packets in other encodings than UTF-8 begin: with a byte order mark, or with "<".
_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_TITLE = (
    b' xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
    b'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:description>\n'
)


def made_up(text: str) -> bytes:
    """The XMP packet of a picture that is made up as a whole; `text` describes it."""
    return _PACKET % (_DESCRIPTION % (b"", ALL_MADE_UP, _TITLE % escape(text).encode()))


def partly_made_up(xmp: bytes | None) -> bytes:
    """The picture's XMP packet (None where it has none) with the word that parts of it are made up.

    All that it held stays; one that `can_be_added_to` says no of is replaced.
    """
    said = _DESCRIPTION % (_RDF, PARTLY_MADE_UP, b">")
    if xmp is None or not can_be_added_to(xmp):
        return _PACKET % said
    xmp = _in_utf8(xmp)
    if VOCABULARY in xmp:
        return re.sub(re.escape(VOCABULARY) + rb"\w+", VOCABULARY + PARTLY_MADE_UP, xmp)
    end = _ends_of_rdf(xmp)[-1]
    return xmp[: end.start()] + said + xmp[end.start() :]


def can_be_added_to(xmp: bytes) -> bool:
    """Whether an XMP packet is well-formed and has a place for a description."""
    xmp = _in_utf8(xmp)
    try:
        ElementTree.fromstring(xmp.strip(b"\0 \t\r\n"))
    except (ElementTree.ParseError, ValueError):
        return False
    return bool(_ends_of_rdf(xmp))


def _ends_of_rdf(xmp: bytes) -> list[re.Match[bytes]]:
    """Where the RDF element is closed, whatever prefix its namespace has."""
    return list(re.finditer(rb"</(?:[\w.-]+:)?RDF\s*>", xmp))


def _in_utf8(xmp: bytes) -> bytes:
    """The packet in UTF-8, of whichever encoding that XMP allows (ISO 16684-1, 7.3.2)."""
    encoding = next((encoding for begin, encoding in _ENCODINGS if xmp.startswith(begin)), None)
    if encoding is None:
        return xmp
    return re.sub(r"<\?xml\s[^>]*\?>", "", xmp.decode(encoding, errors="replace")).encode()
