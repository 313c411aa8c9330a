"""What a picture's file says of pixels that a trained model made up: IPTC's DigitalSourceType, in XMP.

The press agrees on it, and every format that is written holds XMP.
"""

import re
from xml.sax.saxutils import escape

VOCABULARY = b"http://cv.iptc.org/newscodes/digitalsourcetype/"
ALL_MADE_UP, PARTLY_MADE_UP = b"trainedAlgorithmicMedia", b"compositeWithTrainedAlgorithmicMedia"
_PACKET = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
    b'%s</rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>'
)
_DESCRIPTION = (
    b'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"\n'
    b' Iptc4xmpExt:DigitalSourceType="' + VOCABULARY + b'%s"%s</rdf:Description>\n'
)
_TITLE = (
    b' xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
    b'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:description>\n'
)


def made_up(text: str) -> bytes:
    """The XMP packet of a picture that is made up as a whole; `text` describes it."""
    return _PACKET % (_DESCRIPTION % (ALL_MADE_UP, _TITLE % escape(text).encode()))


def partly_made_up(xmp: bytes | None) -> bytes | None:
    """The picture's XMP packet (None where it has none) with the word that parts of it are made up.

    All that it held stays. None where it is a packet that cannot be added to.
    """
    said = _DESCRIPTION % (PARTLY_MADE_UP, b">")
    if xmp is None:
        return _PACKET % said
    if VOCABULARY in xmp:
        return re.sub(re.escape(VOCABULARY) + rb"\w+", VOCABULARY + PARTLY_MADE_UP, xmp)
    before, end, after = xmp.rpartition(b"</rdf:RDF>")
    return before + said + end + after if end else None
