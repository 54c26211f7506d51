"""What is encrypted there and back: Chinese, and texts that need each length of padding."""

PEERS = ("wechat-crypto", "@wecom/crypto")
ABOUT = {
    "token": "token-of-the-tests",
    "key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "id": "wxb11529c136998cb6",
    "when": "1767225600",
    "nonce": "1320562132",
}
TEXTS = [
    "<xml>" + "x" * fill + "</xml>" for fill in range(32)
] + ["<xml>在吗？这件还有货吗 🙏🏽 龘</xml>", "您好" * 500]  # fmt: skip


def fill_of(text: str) -> int:
    """How many bytes of padding a message needs."""
    return 32 - (16 + 4 + len(text.encode()) + len(ABOUT["id"])) % 32
