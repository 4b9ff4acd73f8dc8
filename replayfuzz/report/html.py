"""A run as one self-contained HTML page: no script, no file beside it."""

from __future__ import annotations

from jinja2 import Environment

from replayfuzz.report.causes import why
from replayfuzz.report.human import about, delivered, ordered, title
from replayfuzz.report.marks import marked, some
from replayfuzz.run import Run

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>replayfuzz report</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
pre { background: #f4f4f4; padding: .6rem; overflow-x: auto }
table { border-collapse: collapse } th, td { text-align: left; padding: .2rem 1rem .2rem 0 }
dt { font-weight: 600 } dd { margin: 0 0 .4rem 1.5rem; overflow-wrap: anywhere }
details { border-top: 1px solid #ccc; padding: .5rem 0 } summary { cursor: pointer }
.failed { color: #a00 } .accepted, .skipped { color: #666 }
</style>
<h1>replayfuzz report</h1>
<p>{{ run.findings|length }} findings, {{ failing }} failed; seed {{ run.seed }}
{%- if run.interrupted %}, interrupted{% endif %}.</p>
<h2>Targets</h2>
<table>
<tr><th>Target<th>Version<th>Variants<th>Examples<th>Seconds<th>Findings</tr>
{%- for target in run.targets %}
<tr{% if target.skipped %} class="skipped"{% endif %}><td>{{ target.name }}<td>{{ target.version }}
<td>{{ target.skipped or target.variants|join(", ") }}<td>{{ target.examples }}
<td>{{ "%.1f"|format(target.seconds) }}
<td>{{ run.findings|selectattr("target", "equalto", target.name)|list|length }}</tr>
{%- endfor %}
</table>
<h2>Findings</h2>
{%- for finding in findings %}
<details id="{{ finding.target }}-{{ finding.id }}"{% if loop.first %} open{% endif %}>
<summary class="{{ 'failed' if finding.fails else 'accepted' }}">{{ title(finding) }}</summary>
<dl>
{%- for label, text in rows(finding) if text %}
<dt>{{ label }}<dd>{{ text }}
{%- endfor %}
</dl>
<pre>{{ bytes(finding) }}</pre>
<p>{{ about(finding) }}</p>
</details>
{%- else %}
<p>None.</p>
{%- endfor %}
{%- for heading, items in lists if items %}
<h2>{{ heading }}</h2>
<ul>
{%- for item in items %}
<li>{{ item }}
{%- endfor %}
</ul>
{%- endfor %}
</html>
"""
_MOST_LINES = 60


def html(run: Run) -> str:
    """The page; every value is escaped."""
    deviations = [
        f"{target.name} [{', '.join(deviation.variants)}] {deviation.name} on {deviation.stream}: "
        f"expected {deviation.expected}, observed {deviation.observed}"
        + (f" (accepted: {deviation.accepted})" if deviation.accepted else "")
        for target in run.targets
        for deviation in target.deviations
    ]
    page = Environment(autoescape=True).from_string(_PAGE)
    return page.render(
        run=run,
        findings=ordered(run),
        failing=sum(finding.fails for finding in run.findings),
        lists=(
            ("Deviations on streams as recorded", deviations),
            ("Never exercised", run.never_exercised),
            ("Could not tell", run.errors),
        ),
        title=title,
        about=about,
        rows=lambda finding: [
            ("rule", finding.requirement),
            ("source", finding.source),
            ("expected", finding.expected),
            ("observed", finding.observed),
            ("bend", "; ".join(finding.words)),
            ("because", "; ".join(finding.clauses)),
            ("cause", "; ".join(map(why, finding.causes))),
            ("delivery", delivered(finding)),
            ("accepted", finding.accepted),
            ("note", finding.note),
            ("replay", f"replayfuzz replay {run.folder(finding)}" if run.folder(finding) else ""),
        ],
        bytes=lambda finding: "\n".join(some(marked(finding.bent), _MOST_LINES)),
    )
