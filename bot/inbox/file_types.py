"""Which files are kept, and how they are shown: by their type, never by the name they came with."""

from collections.abc import Mapping

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


def type_of(kind: str, mime: str, content: bytes) -> str | None:
    """The type under which a file is kept; None when it is not to be kept.

    What calls itself an image has to look like one.
    """
    told = (mime or _DEFAULTS.get(kind, "")).partition(";")[0].strip().lower()
    if told.startswith("image/"):
        return next((one for head, one in _IMAGES.items() if content.startswith(head)), None)
    if not told:  # some platforms do not say
        return next((one for head, one in _DOCUMENTS.items() if content.startswith(head)), None)
    return told if told in TYPES else None
