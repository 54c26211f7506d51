"""Xiaoer (店小二): a customer-service assistant for shops that live in messaging apps."""

__version__ = "0.1.0"
