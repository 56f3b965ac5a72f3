# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Console blocks: prompts, what is typed, what is printed. Pygments' own wants each line
to be a whole command; ours go on over lines that begin with "> "."""

from pygments.lexer import RegexLexer, bygroups
from pygments.token import Generic, Keyword, Text


class ConsoleLexer(RegexLexer):
    """Nothing more than that."""

    name = "console"
    aliases = ["console"]
    tokens = {
        "root": [
            (r"^([$#>] )(.*\\\n)", bygroups(Generic.Prompt, Keyword), "more"),
            (r"^([$#>] )(.*\n)", bygroups(Generic.Prompt, Keyword)),
            (r"^>\n", Generic.Prompt),
            (r".*\n", Generic.Output),
            (r".+", Text),
        ],
        "more": [
            (r".*\\\n", Keyword),
            (r".*\n", Keyword, "#pop"),
        ],
    }


def setup(app):
    """Called by Sphinx."""
    app.add_lexer("console", ConsoleLexer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
