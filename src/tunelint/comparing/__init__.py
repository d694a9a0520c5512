"""Was it worth it? The base model, the base model with a few examples in its prompt, and the tuned one on the same rows."""

from tunelint.comparing.compare import Question, compare_at_endpoint, compare_here
from tunelint.comparing.render import render_html, render_markdown, render_text

__all__ = ["Question", "compare_at_endpoint", "compare_here", "render_html", "render_markdown", "render_text"]
