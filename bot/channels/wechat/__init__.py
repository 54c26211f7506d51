"""WeChat, one account per section: official accounts, 微信客服 and WeCom apps.

wechatpy gives the ciphers, the replies' XML and the calls; `library` is the only module that knows
it. What the platform tells us is committed, then acknowledged.
"""
