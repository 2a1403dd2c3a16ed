"""What every HTML page of ours shares: template, look, scripts and security policy.

Everything is inlined and the page's own content security policy forbids any request. Only the scripts whose hashes the
policy lists may run, so text of a study could not run as a script even if it were not escaped.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

FOLDER = Path(__file__).resolve().parent
MARK_JS = 'document.documentElement.className = "js";'


def fill(template: Path, **content: Any) -> str:
    """The page of this template with our style and scripts; `policy`, `css` and `scripts` are given to it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, FOLDER]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = {"mark": MARK_JS, "plotly": get_plotlyjs(), "page": (FOLDER / "page.js").read_text(encoding="utf-8")}
    return environment.get_template(template.name).render(
        **content,
        policy=_policy(scripts.values()),
        css=Markup((FOLDER / "page.css").read_text(encoding="utf-8")),
        scripts={name: Markup(text) for name, text in scripts.items()},
    )


def script_json(what: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(what, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _policy(scripts: Iterable[str]) -> str:
    """The content security policy: nothing from outside, and no script but these."""
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    rules = [
        "default-src 'none'",
        "script-src " + " ".join(f"'sha256-{digest}'" for digest in digests),
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
        "form-action 'none'",
        "base-uri 'none'",
    ]
    return "; ".join(rules)
