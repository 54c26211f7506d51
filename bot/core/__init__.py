"""Words that every room shares: plain values, no input or output."""
