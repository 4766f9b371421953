"""What stands in the README's code blocks."""

import re

from .launch import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def fenced(language: str) -> list[str]:
    """The blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def launch_lines() -> list[str]:
    """The gst-launch lines, in blocks or indented by themselves."""
    code = re.findall(r"^ {4}(gst-launch-1\.0 .*)$", README, re.MULTILINE)
    return code + re.findall(r"^(gst-launch-1\.0 .*)$", README, re.MULTILINE)
