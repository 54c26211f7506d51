"""Tells who writes in another language which ones are spoken here."""

import re

from bot.dialogue.tongue import offered
from bot.dialogue.turn import Turn, Verdict

AFTER = ("contact", "edited", "helpful", "language", "let_go", "link", "upset", "welcome")
_SCRIPTS = re.compile(
    r"[\u0370-\u05ff\u0600-\u06ff\u0900-\u0dff\u0e00-\u0e7f\u3041-\u3096\u30a1-\u30fa\uac00-\ud7af]"
)
"""Greek, Cyrillic, Hebrew, Arabic, the scripts of India, Thai, kana and Hangul."""
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")
_GREETINGS = re.compile(
    r"(?:bonjour|bonsoir|salut|hola|buen[oa]s (?:d[ií]as|tardes|noches)|buongiorno|ciao|hallo"
    r"|guten (?:tag|morgen|abend)|ol[aá]|bom dia|boa tarde|merhaba|xin ch[aà]o|hej|hoi|dzień dobry"
    r"|ahoj|konnichiwa|annyeong|merci|gracias|obrigad[oa]|danke|grazie|[ ,.!?¡¿])+"
)
_SAID = (
    "dónde donde está mi pedido paquete cuándo cuando llega quiero devolver gracias hola"
    " où est ma mon commande colis quand je veux bonjour merci suis"
    " wo ist mein meine bestellung paket wann kommt ich möchte hallo bitte danke"
    " dov è il mio ordine pacco quando arriva vorrei onde meu minha encomenda quero"
)
"""Words of shopping in languages that are written as English is."""
_WORDS = frozenset(_SAID.split())
_LEAST, _SHARE = 2, 0.5
_LEAST_LETTERS, _SHARE_LETTERS = 3, 0.25
"""Fewer are a face, such as (ω), or the の that Chinese writers like."""


def is_foreign(normalised: str) -> bool:
    """Whether a message is written in a language other than Chinese and English, as far as its
    script and its commonest words tell."""
    strange, letters = len(_SCRIPTS.findall(normalised)), len(_LETTER.findall(normalised))
    if strange >= _LEAST_LETTERS and strange > letters * _SHARE_LETTERS:
        return True
    words = _WORD.findall(normalised)
    known = sum(one in _WORDS for one in words)
    greets = bool(words and _GREETINGS.fullmatch(normalised))
    return greets or (known >= _LEAST and known >= len(words) * _SHARE)


def reply(turn: Turn) -> Verdict | None:
    """Say it in each language that is spoken, with their buttons and a person's."""
    if turn.choice is not None or not is_foreign(turn.understanding.normalised):
        return None
    voice = turn.house.voice
    languages = voice.words.shop.languages
    said = [voice.say("replies.languages", one) for one in languages]
    turn.tell("\n".join(said), [*offered(turn), turn.person_choice()])
    return Verdict("told the languages")
