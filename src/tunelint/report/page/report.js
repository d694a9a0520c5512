"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const F = { rule: 0, severity: 1, file: 2, line: 3, row: 4, end: 5, column: 6, count: 7, message: 8, where: 9, excerpt: 10, related: 11, view: 12, mark: 13, fix: 14 };
  const SEVERITIES = ["note", "warning", "error"];
  const HEIGHT = 54;
  const byId = (id) => document.getElementById(id);
  const list = byId("list"), spacer = byId("spacer"), detail = byId("detail"), form = byId("filters");
  const tabs = ["findings", "clusters", "leaks"].map((name) => byId("tab-" + name));
  const number = (value) => value.toLocaleString("en");

  // Everything is made of text nodes: nothing of the data is ever read as markup.
  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function place(file, line, row, end) {
    if (file < 0) return "(whole dataset)";
    const path = data.files[file];
    if (line) return path + ":" + line + (end > line ? "-" + end : "");
    return row ? path + " row " + row : path;
  }

  const rowsByPlace = new Map();
  data.findings.forEach((finding, index) => {
    const key = finding[F.file] + ":" + finding[F.row];
    if (finding[F.row]) rowsByPlace.set(key, (rowsByPlace.get(key) || []).concat(index));
  });
  const findings = data.findings.map((_, index) => index);
  const leaks = findings.filter((index) => data.rules[data.findings[index][F.rule]].code.startsWith("LEAK") && data.findings[index][F.related].length);
  const haystacks = [];

  function haystack(index) {
    if (haystacks[index] === undefined) {
      const finding = data.findings[index], rule = data.rules[finding[F.rule]];
      const excerpt = finding[F.excerpt] ? finding[F.excerpt].join("") : "";
      haystacks[index] = [rule.code, rule.name, finding[F.message], place(finding[F.file], finding[F.line], finding[F.row]), excerpt].join(" ").toLowerCase();
    }
    return haystacks[index];
  }

  let tab = 0, items = findings, chosen = -1;

  function filtered() {
    const text = byId("text").value.trim().toLowerCase();
    if (tab === 1) {
      const file = byId("file").value;
      return data.clusters.map((_, index) => index).filter((index) =>
        (file === "" || data.clusters[index].some((member) => member[0] === Number(file))) &&
        (text === "" || data.clusters[index].some((member) => viewText(member[3]).toLowerCase().includes(text))));
    }
    const severities = [...form.querySelectorAll("input[type=checkbox]")].filter((box) => box.checked).map((box) => Number(box.name));
    const rule = byId("rule").value, file = byId("file").value;
    return (tab === 2 ? leaks : findings).filter((index) => {
      const finding = data.findings[index];
      return severities.includes(finding[F.severity]) && (rule === "" || finding[F.rule] === Number(rule)) &&
        (file === "" || finding[F.file] === Number(file)) && (text === "" || haystack(index).includes(text));
    });
  }

  function viewText(view) {
    return view < 0 ? "" : data.views[view].map((part) => part.slice(1).filter((piece) => typeof piece === "string").join(" ")).join(" ");
  }

  function refresh() {
    items = filtered();
    chosen = items.length ? 0 : -1;
    spacer.style.height = items.length * HEIGHT + "px";
    list.scrollTop = 0;
    list.setAttribute("aria-label", ["Findings", "Duplicate clusters", "Leak pairs"][tab]);
    const all = [findings.length, data.clusters.length, leaks.length][tab];
    byId("shown").textContent = number(items.length) + " of " + number(all) + (tab === 0 && data.left ? " (" + number(data.left) + " more are left out of this page)" : "");
    draw();
    show(false);
  }

  // Only the rows in sight exist.
  function draw() {
    const first = Math.max(0, Math.floor(list.scrollTop / HEIGHT) - 4);
    const last = Math.min(items.length, Math.ceil((list.scrollTop + list.clientHeight) / HEIGHT) + 4);
    const rows = [];
    for (let at = first; at < last; at++) rows.push(row(at));
    spacer.replaceChildren(...rows);
    if (!items.length) spacer.replaceChildren(element("p", "Nothing here.", "dim"));
    if (chosen >= 0) list.setAttribute("aria-activedescendant", "row-" + chosen);
    else list.removeAttribute("aria-activedescendant");
  }

  function row(at) {
    const made = element("div", undefined, "row");
    made.id = "row-" + at;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", String(at === chosen));
    made.setAttribute("aria-setsize", String(items.length));
    made.setAttribute("aria-posinset", String(at + 1));
    made.style.top = at * HEIGHT + "px";
    const top = element("div", undefined, "top"), what = element("div", undefined, "what");
    if (tab === 1) {
      const members = data.clusters[items[at]];
      top.append(element("span", number(members.length) + " records", "name"), where(place(members[0][0], members[0][1], members[0][2])));
      what.textContent = viewText(members[0][3]).slice(0, 200) || "(too many to show every record)";
    } else {
      const finding = data.findings[items[at]], rule = data.rules[finding[F.rule]];
      const name = element("span", rule.code + " " + rule.name, "name sev-" + finding[F.severity]);
      const severity = element("span", SEVERITIES[finding[F.severity]], "sev-" + finding[F.severity]);
      top.append(severity, name, where(place(finding[F.file], finding[F.line], finding[F.row], finding[F.end])));
      what.textContent = finding[F.message];
    }
    made.append(top, what);
    made.addEventListener("click", () => { choose(at); show(true); });
    return made;
  }

  // A path that is too long loses its beginning, not its line number.
  function where(text) {
    const made = element("span", undefined, "place");
    made.append(element("bdi", text));
    return made;
  }

  function choose(at) {
    if (!items.length) return;
    chosen = Math.max(0, Math.min(items.length - 1, at));
    const top = chosen * HEIGHT;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + HEIGHT > list.scrollTop + list.clientHeight) list.scrollTop = top + HEIGHT - list.clientHeight;
    draw();
    show(false);
  }

  // On a narrow screen the details cover the list; `open` says that the reader asked for them.
  function show(open) {
    detail.replaceChildren();
    detail.scrollTop = 0;
    const back = element("button", "Back to the list");
    back.id = "back";
    back.type = "button";
    back.addEventListener("click", close);
    detail.append(back);
    if (chosen < 0) detail.append(element("p", "Nothing to show.", "dim"));
    else if (tab === 1) showCluster(data.clusters[items[chosen]]);
    else showFinding(items[chosen]);
    if (open) {
      document.body.classList.add("open");
      detail.focus();
      const mark = detail.querySelector("mark");
      if (mark) mark.scrollIntoView({ block: "nearest" });
    }
  }

  function close() {
    document.body.classList.remove("open");
    list.focus();
  }

  function showFinding(index) {
    const finding = data.findings[index], rule = data.rules[finding[F.rule]];
    const head = element("h2");
    head.append(element("span", rule.code + " " + rule.name, "sev-" + finding[F.severity]), " " + SEVERITIES[finding[F.severity]]);
    detail.append(head, element("p", place(finding[F.file], finding[F.line], finding[F.row], finding[F.end]) +
      (finding[F.where] ? "  " + finding[F.where] : ""), "dim"), element("p", finding[F.message]));
    const partners = finding[F.related];
    const paired = partners.length && finding[F.view] >= 0 && partners.some((partner) => partner[4] >= 0);
    if (paired) comparison([finding[F.file], finding[F.line], finding[F.row], finding[F.view]], partners, (partner) => partner[4], (partner) => partner[3]);
    else if (finding[F.view] >= 0) detail.append(record(finding[F.view], finding[F.mark]));
    else if (finding[F.excerpt]) detail.append(excerpt(finding[F.excerpt]));
    if (!paired && partners.length) {
      detail.append(element("h3", "Belongs to"));
      partners.forEach((partner) => detail.append(element("p", place(partner[0], partner[1], partner[2]) + (partner[3] === null ? "" : ", similarity " + partner[3].toFixed(2)))));
    }
    [["Why it hurts", rule.why], ["How to fix", rule.help]].forEach(([title, text]) => {
      if (text) detail.append(element("h3", title), prose(text));
    });
    if (finding[F.fix]) {
      detail.append(prose(finding[F.fix] === "safe" ? "Fixable without loss: `tunelint clean`." : "Fixable, but the record is changed or dropped: `tunelint clean`, for some rules with `--unsafe-fixes`."));
    }
    if (rule.link) {
      const link = element("a", "The rule's page");
      link.href = rule.link;
      link.rel = "noreferrer";
      detail.append(link);
    }
    others(index, finding);
  }

  function others(index, finding) {
    const same = (rowsByPlace.get(finding[F.file] + ":" + finding[F.row]) || []).filter((other) => other !== index);
    if (!finding[F.row] || !same.length) return;
    detail.append(element("h3", "Also in this record"));
    same.slice(0, 20).forEach((other) => {
      const rule = data.rules[data.findings[other][F.rule]];
      detail.append(element("p", rule.code + " " + rule.name + ": " + data.findings[other][F.message]));
    });
  }

  function showCluster(members) {
    detail.append(element("h2", number(members.length) + " records that are copies of one another"));
    const others = members.slice(1);
    comparison(members[0], others, (member) => member[3], () => null);
  }

  // One record against one of several others, the difference marked word by word.
  function comparison(own, others, viewOf, scoreOf) {
    const chips = element("div", undefined, "chips"), pair = element("div", undefined, "pair");
    function draw(at) {
      [...chips.children].forEach((chip, number) => chip.setAttribute("aria-pressed", String(number === at)));
      const other = others[at];
      const left = element("div"), right = element("div");
      left.append(element("h3", place(own[0], own[1], own[2])));
      right.append(element("h3", place(other[0], other[1], other[2]) + (scoreOf(other) === null ? "" : ", similarity " + scoreOf(other).toFixed(2))));
      if (own[3] < 0 || viewOf(other) < 0) {
        if (own[3] >= 0) left.append(record(own[3], null));
        if (viewOf(other) >= 0) right.append(record(viewOf(other), null));
        pair.replaceChildren(left, right, element("p", "The other record is left out of this page, to keep it small.", "dim"));
        return;
      }
      const same = difference(data.views[own[3]], data.views[viewOf(other)]);
      left.append(record(own[3], null, same.left, "del"));
      right.append(record(viewOf(other), null, same.right, "ins"));
      pair.replaceChildren(left, right);
      if (same.equal) pair.append(element("p", "The texts shown are the same, word by word.", "dim"));
    }
    others.slice(0, 200).forEach((other, at) => {
      const chip = element("button", place(other[0], other[1], other[2]));
      chip.type = "button";
      chip.addEventListener("click", () => draw(at));
      chips.append(chip);
    });
    if (others.length > 1) detail.append(chips);
    detail.append(pair);
    draw(0);
  }

  // The words of a view that the other view has not: longest common subsequence over words, ends trimmed first.
  function difference(left, right) {
    const a = words(left), b = words(right);
    const inA = new Uint8Array(a.length), inB = new Uint8Array(b.length);
    let start = 0, endA = a.length, endB = b.length;
    while (start < endA && start < endB && a[start].word === b[start].word) { inA[start] = inB[start] = 1; start++; }
    while (endA > start && endB > start && a[endA - 1].word === b[endB - 1].word) { endA--; endB--; inA[endA] = inB[endB] = 1; }
    const n = endA - start, m = endB - start, table = new Uint16Array((n + 1) * (m + 1));
    for (let i = n - 1; i >= 0; i--) {
      for (let j = m - 1; j >= 0; j--) {
        table[i * (m + 1) + j] = a[start + i].word === b[start + j].word ? table[(i + 1) * (m + 1) + j + 1] + 1
          : Math.max(table[(i + 1) * (m + 1) + j], table[i * (m + 1) + j + 1]);
      }
    }
    for (let i = 0, j = 0; i < n && j < m;) {
      if (a[start + i].word === b[start + j].word) { inA[start + i] = inB[start + j] = 1; i++; j++; }
      else if (table[(i + 1) * (m + 1) + j] >= table[i * (m + 1) + j + 1]) i++;
      else j++;
    }
    const unmatched = (list, flags) => list.filter((_, at) => !flags[at]);
    return { left: unmatched(a, inA), right: unmatched(b, inB), equal: inA.every(Boolean) && inB.every(Boolean) };
  }

  function words(view) {
    const found = [];
    view.forEach((part, at) => part.forEach((piece, segment) => {
      if (segment === 0 || typeof piece !== "string") return;
      for (const match of piece.matchAll(/[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]/gu)) {
        if (found.length < 4000) found.push({ word: match[0], part: at, segment: segment - 1, start: match.index, end: match.index + match[0].length });
      }
    }));
    return found;
  }

  function record(view, mark, changes, tag) {
    const made = element("div");
    data.views[view].forEach((part, at) => {
      const block = element("div", undefined, "part"), text = element("div", undefined, "text");
      text.dir = "auto";
      block.append(element("b", part[0]), text);
      part.slice(1).forEach((piece, segment) => {
        if (typeof piece === "number") { text.append(element("span", " … " + number(piece) + " characters … ", "gap")); return; }
        let ranges = (changes || []).filter((change) => change.part === at && change.segment === segment);
        if (mark && mark[0] === at && mark[1] === segment) ranges = [{ start: mark[2], end: mark[3] }];
        pieces(text, piece, ranges, mark ? "mark" : tag || "mark");
      });
      made.append(block);
    });
    return made;
  }

  // Offsets of marks are counted in Python, in code points; those of the word diff in this script, in code units.
  function pieces(target, text, ranges, tag) {
    const units = tag === "mark" ? [...text] : text;
    const cut = (start, end) => (tag === "mark" ? units.slice(start, end).join("") : units.slice(start, end));
    let position = 0;
    ranges.forEach((range) => {
      target.append(cut(position, range.start), element(tag, cut(range.start, range.end)));
      position = range.end;
    });
    target.append(cut(position, units.length));
  }

  function excerpt(parts) {
    const made = element("pre");
    made.append(parts[0]);
    if (parts[1]) made.append(element("mark", parts[1]));
    made.append(parts[2]);
    return made;
  }

  function prose(text) {
    const made = element("p");
    text.split("`").forEach((piece, at) => made.append(at % 2 ? element("code", piece) : piece));
    return made;
  }

  function fill(select, every, options) {
    select.append(new Option(every, ""), ...options.map(([text, value]) => new Option(text, value)));
  }

  function selectTab(next) {
    tab = next;
    byId("text").value = "";
    tabs.forEach((button, at) => {
      button.setAttribute("aria-selected", String(at === tab));
      button.tabIndex = at === tab ? 0 : -1;
    });
    [...form.querySelectorAll("input[type=checkbox], #rule")].forEach((input) => { input.disabled = tab === 1; });
    refresh();
  }

  const counts = new Map(), fileCounts = new Map();
  data.findings.forEach((finding) => {
    counts.set(finding[F.rule], (counts.get(finding[F.rule]) || 0) + 1);
    fileCounts.set(finding[F.file], (fileCounts.get(finding[F.file]) || 0) + 1);
  });
  fill(byId("rule"), "all rules", [...counts].sort((a, b) => b[1] - a[1]).map(([rule, count]) => [data.rules[rule].name + " (" + number(count) + ")", rule]));
  fill(byId("file"), "all files", [...fileCounts].sort((a, b) => b[1] - a[1]).map(([file, count]) => [(file < 0 ? "(whole dataset)" : data.files[file]) + " (" + number(count) + ")", file]));
  tabs.forEach((button, at) => {
    button.querySelector("b").textContent = number([findings.length, data.clusters.length, leaks.length][at]);
    button.addEventListener("click", () => selectTab(at));
    button.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) { selectTab((tab + step + 3) % 3); tabs[tab].focus(); }
    });
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", refresh);
  form.addEventListener("reset", () => setTimeout(refresh));
  list.addEventListener("scroll", draw, { passive: true });
  addEventListener("resize", draw);
  list.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor(list.clientHeight / HEIGHT) - 1);
    const steps = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: chosen + page, PageUp: chosen - page, Home: 0, End: items.length - 1 };
    if (event.key in steps) choose(steps[event.key]);
    else if (event.key === "Enter" || event.key === " ") show(true);
    else return;
    event.preventDefault();
  });
  addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "Escape") close();
    else if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "/") { byId("text").focus(); event.preventDefault(); }
    else if ("123".includes(event.key)) { selectTab(Number(event.key) - 1); list.focus(); }
  });
  byId("app").hidden = false;
  refresh();
})();
