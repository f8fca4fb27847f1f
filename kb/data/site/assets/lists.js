// Long lists: shown in part, and narrowed by what their rows are marked with (`data-owner`).

const FIRST = 50;
/** Below this many rows a list is read faster than it is narrowed. */
const WORTH_FILTERING = 8;

function words(row, name) {
  return (row.dataset[name] || "").split("|").filter(Boolean);
}

function counted(rows, name) {
  const counts = new Map();
  for (const row of rows) for (const word of words(row, name)) counts.set(word, (counts.get(word) || 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
}

function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "kb-more";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

/** A list, or one that is cut into several by headings: those are narrowed as one. */
class List {
  constructor(parts) {
    this.parts = parts.map((list) => ({ list, rows: [...list.children], heading: headingOf(list, parts) }));
    this.rows = this.parts.flatMap(({ rows }) => rows);
    this.chosen = {};
    // Those with headings come in pages already.
    this.first = parts.length > 1 ? Infinity : FIRST;
    this.most = this.first;
    this.more = button("", () => { this.most = Infinity; this.show(); });
    parts.at(-1).after(this.more);
    if (this.rows.length >= WORTH_FILTERING) this.offer(parts[0].dataset.kbFilters.split(" "));
    this.show();
  }

  offer(names) {
    const bar = document.createElement("p");
    bar.className = "kb-filters";
    this.said = document.createElement("span");
    this.said.setAttribute("role", "status");
    for (const name of names) {
      const counts = counted(this.rows, name);
      if (counts.length > 1) bar.append(this.filter(name, counts));
    }
    if (!bar.children.length) return;
    bar.append(this.said);
    const [{ list, heading }] = this.parts;
    (heading || list).before(bar);
  }

  filter(name, counts) {
    const select = document.createElement("select");
    select.setAttribute("aria-label", `List only this ${name}`);
    select.append(new Option(`Any ${name}`, ""));
    for (const [word, count] of counts) select.append(new Option(`${word} (${count})`, word));
    select.addEventListener("change", () => {
      this.chosen[name] = select.value;
      this.most = this.first;
      this.show();
    });
    return select;
  }

  show() {
    const chosen = Object.entries(this.chosen).filter(([, word]) => word);
    const passing = this.rows.filter((row) => chosen.every(([name, word]) => words(row, name).includes(word)));
    const shown = new Set(passing.slice(0, this.most));
    for (const row of this.rows) row.hidden = !shown.has(row);
    for (const { rows, heading } of this.parts) if (heading) heading.hidden = rows.every((row) => row.hidden);
    this.more.hidden = passing.length <= this.most;
    this.more.textContent = `Show all ${passing.length}`;
    if (this.said) this.said.textContent = chosen.length ? `${passing.length} of ${this.rows.length}` : "";
  }
}

/** The heading that stands over one of several lists; a list alone keeps its own above its filters. */
function headingOf(list, parts) {
  const before = list.previousElementSibling;
  return parts.length > 1 && before && before.matches("h2") ? before : null;
}

/** Shorten the lists of a page and put their filters before them; those of one name are one. */
export function lists(root) {
  const groups = new Map();
  for (const list of root.querySelectorAll("[data-kb-filters]")) {
    const name = list.dataset.kbList || list;
    groups.set(name, [...(groups.get(name) || []), list]);
  }
  for (const parts of groups.values()) new List(parts);
}
