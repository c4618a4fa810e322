"""Slide readers behind one small protocol, one file each."""
