"""The word that pixels were made up reaches every XMP packet, and takes nothing away."""

from xml.etree import ElementTree

import pytest

from sfumato.pictures.xmp import VOCABULARY, can_be_added_to, made_up, partly_made_up

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
TITLE = '<dc:title xmlns:dc="http://purl.org/dc/elements/1.1/">An attic</dc:title>'
PREFIXED = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
    f'<rdf:Description rdf:about="">{TITLE}</rdf:Description></rdf:RDF></x:xmpmeta>'
)
DEFAULT = f'<xmpmeta xmlns="adobe:ns:meta/"><RDF xmlns="{RDF}"><Description>{TITLE}</Description></RDF></xmpmeta>'
OTHER = PREFIXED.replace("rdf:", "r:").replace(":rdf", ":r")
WRAPPED = f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>{PREFIXED}<?xpacket end="w"?>'


def source_types(packet: bytes) -> list[str]:
    """What a reader of XMP finds under DigitalSourceType."""
    root = ElementTree.fromstring(packet)
    return [
        value
        for description in root.iter(f"{{{RDF}}}Description")
        if (value := description.get(f"{{{EXTENSION}}}DigitalSourceType"))
    ]


@pytest.mark.parametrize("text", [PREFIXED, DEFAULT, OTHER, WRAPPED], ids=["usual", "default", "other", "packet"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_every_packet_says_it_and_keeps_its_title(text: str, encoding: str) -> None:
    packet = text.encode(encoding)
    assert can_be_added_to(packet)
    marked = partly_made_up(packet)
    assert source_types(marked) == [f"{VOCABULARY.decode()}compositeWithTrainedAlgorithmicMedia"]
    assert "An attic" in "".join(ElementTree.fromstring(marked).itertext())


@pytest.mark.parametrize("packet", [None, b"", b"no packet", PREFIXED[:-30].encode(), b"<a/>", b"\xff\xfe<"])
def test_what_cannot_be_added_to_is_replaced(packet: bytes | None) -> None:
    assert packet is None or not can_be_added_to(packet)
    assert len(source_types(partly_made_up(packet))) == 1


def test_what_was_made_up_whole_is_made_up_in_part_afterwards() -> None:
    assert source_types(partly_made_up(made_up("Drawn"))) == [
        f"{VOCABULARY.decode()}compositeWithTrainedAlgorithmicMedia"
    ]
