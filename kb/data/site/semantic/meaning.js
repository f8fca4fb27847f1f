// What does the reader see of search by meaning? A button in the search box, which loads it once.

import { isKept, load } from "./encoder.js";
import { fused } from "./fusion.js";
import { loosely } from "../assets/kb/words.js";

const CHOICE = "kb-meaning";
const SHOWN = 10;

function remember(chosen) {
  try {
    if (chosen) localStorage.setItem(CHOICE, "on");
    else localStorage.removeItem(CHOICE);
  } catch {
    // Storage may be forbidden: the choice holds for this page.
  }
}

function wasChosen() {
  try {
    return localStorage.getItem(CHOICE) === "on";
  } catch {
    return false;
  }
}

/** The id of the incident an address leads to, empty for other pages. */
function idOf(address) {
  return (/\/incidents\/([^/]+?)(?:\/(?:index\.html)?|\.html)(?:[?#]|$)/.exec(address) || ["", ""])[1];
}

class Meaning {
  constructor(base) {
    this.base = base;
    this.folder = new URL("semantic/", base);
    this.ask = null;
    this.records = null;
    this.pagefind = null;
    this.loading = null;
    this.busy = null;
    this.turn = 0;
  }

  /** Load encoder, vectors and the list of incidents, each once. */
  async start(progress) {
    this.loading ??= Promise.all([
      load(this.folder, progress),
      fetch(new URL("data/incidents.json", this.base)).then((answer) => answer.json()),
      // Without a word index the titles that the search box reads must do.
      import(new URL("pagefind/pagefind.js", this.base).href).catch(() => null),
    ]).catch((error) => {
      this.loading = null;
      throw error;
    });
    const [ask, data, pagefind] = await this.loading;
    this.records = new Map(data.incidents.map((record) => [record.id, record]));
    this.pagefind = pagefind;
    this.ask = ask;
  }

  /** A word search with incidents that are near in meaning put among its own. */
  around(engine) {
    return {
      search: async (words, filters) => {
        if (!words) return engine.search(words, filters);
        const nearest = this.near(words);
        const found = await engine.search(words, filters);
        // After it: the index keeps one excerpt a page, that of the search that came last.
        const [shares, near] = await Promise.all([this.shares(words, filters), nearest]);
        return this.merged(found, shares, near.filter(({ id }) => this.passes(id, filters)));
      },
    };
  }

  /** What single words say of each incident. */
  async shares(words, filters) {
    if (!this.pagefind) return new Map();
    const found = await loosely(this.pagefind, words, filters, this.records.size);
    const pages = await Promise.all(found.map(({ result }) => result.data()));
    return new Map(found.map(({ share }, place) => [idOf(pages[place].url), share]));
  }

  /** One text at a time: of those typed meanwhile only the last is asked, the others never end. */
  async near(words) {
    const turn = ++this.turn;
    await this.busy;
    if (turn !== this.turn) return new Promise(() => {});
    const asked = this.ask("search", { text: words });
    this.busy = asked.catch(() => {});
    return asked;
  }

  passes(id, filters) {
    const record = this.records.get(id);
    if (!record) return false;
    const facts = {
      severity: [record.severity], class: record.classes, route: [record.route], tool: record.tools,
      year: [record.date.slice(0, 4)],
    };
    return Object.entries(filters).every(([name, value]) => (facts[name] || []).includes(value));
  }

  merged(found, shares, near) {
    const byId = new Map(found.rows.map((row) => [idOf(row.address), row]));
    const order = fused([...byId.keys()], shares, near).slice(0, SHOWN);
    const sections = new Map(near.map(({ id, section }) => [id, section]));
    const rows = order.map((id) => byId.get(id) || this.row(id, sections.get(id)));
    const nearest = rows.length === 1 ? "the nearest" : `the ${rows.length} nearest`;
    const said = rows.length && `${found.total} found by words; ${nearest} shown`;
    return { ...found, rows, total: rows.length, said };
  }

  row(id, section) {
    const record = this.records.get(id);
    return {
      address: new URL(`incidents/${id}/`, this.base).href,
      title: record.title, date: record.date, severity: record.severity,
      plain: record.summary, near: section,
    };
  }
}

/** Put the button into a search box. `box` has its parts, and `use` sets what searches. */
export function offer(box, base) {
  const meaning = new Meaning(base);
  const line = document.createElement("div");
  line.className = "kb-meaning";
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-pressed", "false");
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.hidden = true;
  bar.setAttribute("aria-label", "Loading search by meaning");
  // Shown while words find little.
  const hint = document.createElement("small");
  hint.id = "kb-meaning-hint";
  hint.textContent = "finds what is said in other words";
  button.setAttribute("aria-describedby", hint.id);
  line.append(button, bar, hint);
  box.facets.after(line);
  const label = (text) => { button.textContent = text; };
  const first = `Search by meaning too (${box.megabytes} MB, once)`;
  label(first);

  function shown(on) {
    button.setAttribute("aria-pressed", String(on));
    bar.hidden = true;
    button.disabled = false;
    label("Search by meaning too");
    box.use(on ? (engine) => meaning.around(engine) : null);
  }

  async function turnOn() {
    // Disabling the button would take the focus away from it.
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    bar.hidden = meaning.ask !== null;
    label("Loading…");
    try {
      await meaning.start((come, all) => { bar.value = Math.min(1, come / all); });
      remember(true);
      shown(true);
    } catch {
      bar.hidden = true;
      label(first);
      box.say("Search by meaning could not be loaded; words are searched.");
    }
    button.removeAttribute("aria-busy");
  }

  button.addEventListener("click", () => {
    if (button.getAttribute("aria-pressed") !== "true") return turnOn();
    remember(false);
    shown(false);
  });
  // Chosen on an earlier page, and still kept: no long load, so nobody is asked again.
  if (wasChosen()) isKept(meaning.folder).then((kept) => { if (kept) turnOn(); }, () => {});
}
