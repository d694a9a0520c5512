"""The fixed parts of the HTML report: its style and its few lines of script (tooltips), both inside the page."""

from __future__ import annotations

STYLE = """
:root{--bg:#fff;--fg:#1b1b1f;--dim:#6b6b76;--line:#e4e4ea;--eval:#c2410c;--train:#2563eb;--best:#15803d;
--band:#c2410c1c;--bad:#b91c1c;--warn:#a16207}
@media (prefers-color-scheme:dark){:root{--bg:#131316;--fg:#ececf1;--dim:#9a9aa6;--line:#2c2c33;--eval:#fb923c;
--train:#60a5fa;--best:#4ade80;--band:#fb923c26;--bad:#f87171;--warn:#facc15}}
body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;max-width:820px;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:2.5rem;overflow-wrap:anywhere}h3{font-size:.95rem}
.verdict{font-size:1.2rem;font-weight:600}.overfit,.diverged{color:var(--bad)}
.overconfident,.still_improving{color:var(--warn)}.healthy{color:var(--best)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem}dt{color:var(--dim)}dd{margin:0;
overflow-wrap:anywhere}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem;width:100%}
th,td{text-align:right;padding:.2rem .5rem;border-bottom:1px solid var(--line)}th{color:var(--dim);font-weight:500}
tr.best td{color:var(--best);font-weight:600}
.scroll{overflow-x:auto}svg{width:100%;height:auto;display:block}.key{display:inline;width:.7em}
.legend{color:var(--dim);font-size:.85rem}
svg polyline{fill:none;stroke-width:1.5}.train{stroke:var(--train);opacity:.7}.eval{stroke:var(--eval);stroke-width:2}
.metric{stroke:var(--best);stroke-width:2}
.dot{fill:var(--eval)}.metric-dot{fill:var(--best)}.dot.best{fill:var(--best);stroke:var(--bg);stroke-width:1.5}
circle:focus{outline:none;stroke:var(--fg);stroke-width:2}
.grid{stroke:var(--line)}.tick{fill:var(--dim);font-size:11px}.border{stroke:var(--dim);stroke-dasharray:2 4;
opacity:.6}
.onset{stroke:var(--bad);stroke-dasharray:5 3}.best-line{stroke:var(--best);stroke-dasharray:5 3}
.saved{fill:var(--fg)}.band{fill:var(--band);stroke:none}
.run-0{stroke:#c2410c}.run-1{stroke:#2563eb}.run-2{stroke:#15803d}.run-3{stroke:#7e22ce}.run-4{stroke:#0e7490}
.run-5{stroke:#a16207}.run-6{stroke:#be185d}.run-7{stroke:#64748b}
circle.run-0{fill:#c2410c}circle.run-1{fill:#2563eb}circle.run-2{fill:#15803d}circle.run-3{fill:#7e22ce}
circle.run-4{fill:#0e7490}circle.run-5{fill:#a16207}circle.run-6{fill:#be185d}circle.run-7{fill:#64748b}
@media (max-width:600px){.tick{font-size:20px}svg circle{r:6px}svg polyline{stroke-width:2.5}body{margin:1rem auto}}
#tip{position:fixed;pointer-events:none;background:var(--fg);color:var(--bg);padding:.25rem .5rem;border-radius:4px;
font-size:.8rem;max-width:22rem}
""".strip()

SCRIPT = """
(function () {
  var tip = document.getElementById("tip");
  function show(dot, x, y) {
    tip.textContent = dot.getAttribute("data-tip");
    tip.hidden = false;
    var box = tip.getBoundingClientRect();
    tip.style.left = Math.min(x + 12, innerWidth - box.width - 4) + "px";
    tip.style.top = Math.max(4, y - box.height - 10) + "px";
  }
  function hide() { tip.hidden = true; }
  document.querySelectorAll("circle[data-tip]").forEach(function (dot) {
    var title = dot.querySelector("title");
    if (title) title.remove();
    dot.setAttribute("aria-label", dot.getAttribute("data-tip"));
    dot.addEventListener("pointerenter", function (event) { show(dot, event.clientX, event.clientY); });
    dot.addEventListener("pointerleave", hide);
    dot.addEventListener("focus", function () {
      var box = dot.getBoundingClientRect();
      show(dot, box.left, box.top);
    });
    dot.addEventListener("blur", hide);
  });
})();
""".strip()
