"""XMP packets, which every format that is written holds: what is added to them, and what holds no more.

Added is what a picture's file says of pixels that a trained model made up, IPTC's DigitalSourceType, on which the press
agrees; and texts that have no other place. Taken out is what speaks of pictures behind the first, which stay behind.
"""

import codecs
import re
from collections.abc import Iterable
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
# Where PNG's own keywords have their place in XMP, and in which form.
_ALTERNATIVE = b'<rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt>'
_PROPERTIES = {
    "Title": (b"dc:title", _ALTERNATIVE),
    "Description": (b"dc:description", _ALTERNATIVE),
    "Comment": (b"exif:UserComment", _ALTERNATIVE),
    "Copyright": (b"dc:rights", _ALTERNATIVE),
    "Author": (b"dc:creator", b"<rdf:Seq><rdf:li>%s</rdf:li></rdf:Seq>"),
    "Source": (b"dc:source", b"%s"),
    "Software": (b"xmp:CreatorTool", b"%s"),
}
_NAMESPACES = (
    b' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
    b' xmlns:exif="http://ns.adobe.com/exif/1.0/"'
)
# Namespaces of what is said of pictures and films that lie behind the first.
_FOLLOWERS = (
    b"http://ns.adobe.com/hdr-gain-map/1.0/",
    b"http://ns.apple.com/HDRGainMap/1.0/",
    b"http://ns.google.com/photos/1.0/container/",
    b"http://ns.google.com/photos/1.0/container/item/",
    b"http://ns.google.com/photos/1.0/camera/",
    b"http://ns.google.com/photos/1.0/depthmap/",
    b"http://ns.google.com/photos/1.0/image/",
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


def only_the_mark(xmp: bytes) -> bytes | None:
    """A packet that says of pixels that they were made up what `xmp` says, and nothing else; None where it does not."""
    said = re.search(re.escape(VOCABULARY) + rb"(\w+)", xmp)
    return None if said is None else _PACKET % (_DESCRIPTION % (_RDF, said[1], b">"))


def with_texts(xmp: bytes | None, texts: Iterable[tuple[str, str]]) -> tuple[bytes | None, tuple[str, ...]]:
    """The packet with the texts in the properties that are theirs, and the keywords of those that it does not hold.

    Properties that the packet has stay as they are.
    """
    if xmp is not None and not can_be_added_to(xmp):
        return xmp, tuple(keyword for keyword, _ in texts)
    packet, lost, added = b"" if xmp is None else _in_utf8(xmp), [], b""
    for keyword, text in texts:
        name, form = _PROPERTIES.get(keyword, (b"", b""))
        if not name or b"<%s>" % name in added:
            lost.append(keyword)
        elif name not in packet:
            said = "".join(letter for letter in text if letter >= " " or letter in "\t\r\n")
            added += b"<%s>%s</%s>\n" % (name, form % escape(said).encode(errors="replace"), name)
    if not added:
        return xmp, tuple(lost)
    description = b'<rdf:Description%s rdf:about=""%s>\n%s</rdf:Description>\n' % (_RDF, _NAMESPACES, added)
    if not packet:
        return _PACKET % description, tuple(lost)
    end = _ends_of_rdf(packet)[-1]
    return packet[: end.start()] + description + packet[end.start() :], tuple(lost)


def without_followers(xmp: bytes) -> bytes:
    """The packet without what it says of pictures and films behind the first: gain maps, further views, motion.

    One that is not well-formed comes back as it is.
    """
    if not can_be_added_to(xmp):
        return xmp
    packet = _in_utf8(xmp)
    for space in _FOLLOWERS:
        for declared in set(re.findall(rb"""xmlns:([\w.-]+)\s*=\s*["']%s["']""" % re.escape(space), packet)):
            prefix = re.escape(declared)
            packet = re.sub(
                rb"<%s:([\w.-]+)(?:\s[^<>]*)?(?<!/)>.*?</%s:\1\s*>" % (prefix, prefix), b"", packet, flags=re.S
            )
            packet = re.sub(rb"<%s:[\w.-]+(?:\s[^<>]*)?/>" % prefix, b"", packet)
            packet = re.sub(rb"""\s(?:xmlns:%s|%s:[\w.-]+)\s*=\s*("[^"]*"|'[^']*')""" % (prefix, prefix), b"", packet)
    return packet if packet != xmp and can_be_added_to(packet) else xmp


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
