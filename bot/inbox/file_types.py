"""Which files are kept, and how they are shown: by their type, never by the name they came with."""

from collections.abc import Mapping

from bot.core.messages import Kind

TYPES: Mapping[str, str] = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "audio/ogg": "ogg",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/wav": "wav",
    "audio/amr": "amr",
    "audio/speex": "speex",
    "application/pdf": "pdf",
    "text/plain": "txt",
    "text/csv": "csv",
    "application/zip": "zip",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
"""What is kept, and the ending that our name for it gets. What a browser could run is not here."""
_IMAGES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
_DOCUMENTS = {b"%PDF": "application/pdf", b"PK\x03\x04": "application/zip"}
IMAGES = frozenset(_IMAGES.values())
_DEFAULTS = {
    "photo": "image/jpeg",
    "voice": "audio/ogg",
    "video": "video/mp4",
    "audio": "audio/mpeg",
}

_ZIP, _OLE = (0, b"PK\x03\x04"), (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_MARKS: Mapping[str, tuple[tuple[int, bytes], ...]] = {
    "image/jpeg": ((0, b"\xff\xd8\xff"),),
    "image/png": ((0, b"\x89PNG\r\n\x1a\n"),),
    "image/gif": ((0, b"GIF87a"), (0, b"GIF89a")),
    "image/webp": ((8, b"WEBP"),),
    "video/quicktime": ((4, b"ftypqt"), (4, b"moov"), (4, b"mdat")),
    "video/webm": ((0, b"\x1a\x45\xdf\xa3"),),
    "audio/ogg": ((0, b"OggS"),),
    "audio/wav": ((8, b"WAVE"),),
    "audio/amr": ((0, b"#!AMR"),),
    "audio/mpeg": ((0, b"ID3"), *((0, bytes((0xFF, b))) for b in (0xFB, 0xF3, 0xF2, 0xFA))),
    "application/pdf": ((0, b"%PDF"),),
    "application/zip": (_ZIP,),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (_ZIP,),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (_ZIP,),
    "application/msword": (_OLE,),
    "application/vnd.ms-excel": (_OLE,),
    "video/mp4": ((4, b"ftyp"),),
    "audio/mp4": ((4, b"ftyp"),),
    "audio/x-m4a": ((4, b"ftyp"),),
}
"""What stands where at the beginning of each type's files, any of it; the narrower types first."""
_TEXTS = frozenset({"text/plain", "text/csv"})


def true_type(told: str, content: bytes) -> str | None:
    """The type of a file that a browser calls `told`, by what is in it; None when it is none of
    `TYPES`. What an ending says is believed only where the content bears it out."""
    told = told.partition(";")[0].strip().lower()
    if told in _TEXTS:
        return None if b"\0" in content else told
    if _looks_like(told, content):
        return told
    return next((one for one in _MARKS if _looks_like(one, content)), None)


def kind_of(mime: str) -> Kind:
    """What a file of this type is to who gets it."""
    if mime in IMAGES:
        return Kind.PHOTO
    if mime == "audio/amr":
        return Kind.VOICE
    return {"video": Kind.VIDEO, "audio": Kind.AUDIO}.get(mime.partition("/")[0], Kind.DOCUMENT)


def _looks_like(mime: str, content: bytes) -> bool:
    return any(content.startswith(mark, at) for at, mark in _MARKS.get(mime, ()))


def expected_type(kind: str, mime: str) -> str:
    """The type of a file that was announced so; empty where nobody can know it yet."""
    return (mime or _DEFAULTS.get(kind, "")).partition(";")[0].strip().lower()


def type_of(kind: str, mime: str, content: bytes) -> str | None:
    """The type under which a file is kept; None when it is not to be kept.

    What calls itself an image has to look like one.
    """
    told = expected_type(kind, mime)
    if told.startswith("image/"):
        return next((one for head, one in _IMAGES.items() if content.startswith(head)), None)
    if not told:  # some platforms do not say
        return next((one for head, one in _DOCUMENTS.items() if content.startswith(head)), None)
    return told if told in TYPES else None
