// The words and names of the site: which words of a query are in no record, what they may have
// meant, and which pages bear the name that was typed.

const WORD = /[\p{L}\p{N}]+/gu;
/** Written without spaces: their words cannot be told apart here, and all count as known. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** English endings, the longest first: words that differ in them alone are one to the index. */
const ENDINGS = ["ations", "ation", "ings", "ing", "edly", "ment", "ions", "ion", "ies", "ied", "ers", "ors", "ed", "es", "er", "or", "ly", "al", "s", "e", "y"];
/** Shorter words are near to too many others for a guess. */
const LEAST_LETTERS = 4;
/** Nearly all names: they need no folding. */
const ASCII = /^[\x00-\x7f]*$/;
const MOST_NAMES = 3;
const INCIDENTS = "incidents/";

function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Names, one a line, without what people leave out or write otherwise: `pay_courier`, `pay courier`. */
function bare(names) {
  if (ASCII.test(names)) return names.toLowerCase().replace(/[^a-z0-9\n]+/g, "");
  return fold(names).replace(/[^\p{L}\p{N}\n]/gu, "");
}

/** The numbers of the lines that begin so; a text of which each line has a line's end before it. */
function* lines(text, beginning) {
  let number = 0;
  let seen = 0;
  for (let at = text.indexOf(beginning); at >= 0; at = text.indexOf(beginning, at + 1)) {
    for (; seen < at; seen++) if (text[seen] === "\n") number++;
    yield number;
  }
}

function stem(word) {
  const ending = ENDINGS.find((one) => word.endsWith(one) && word.length - one.length >= 3);
  const rest = ending ? word.slice(0, -ending.length) : word;
  return /([^aeiou])\1$/.test(rest) ? rest.slice(0, -1) : rest;
}

/** Letters to change, add, drop or swap to make one word of another; more than `most` counts as
 *  `most + 1` (optimal string alignment). */
function distance(one, other, most) {
  if (Math.abs(one.length - other.length) > most) return most + 1;
  let before = [];
  let last = Array.from({ length: other.length + 1 }, (_, place) => place);
  for (let i = 1; i <= one.length; i++) {
    const now = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1;
      now[j] = Math.min(last[j] + 1, now[j - 1] + 1, last[j - 1] + same);
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      if (swapped) now[j] = Math.min(now[j], before[j - 2] + 1);
    }
    if (Math.min(...now) > most) return most + 1;
    [before, last] = [last, now];
  }
  return last[other.length];
}

/** What the site says and what it is called, from `data/lexicon.json`.
 *
 *  It has thousands of words and names, and is read before the first result is shown: so they stay
 *  the strings they are, and are looked through. */
export class Lexicon {
  constructor(data) {
    this.words = ` ${data.words} `;
    this.names = data.names;
    this.pages = data.pages;
  }

  /** Only a word that no page has needs these: most queries are answered before they are made. */
  get ranked() {
    return (this.split ??= this.words.trim().split(" "));
  }

  get stems() {
    return (this.stemmed ??= new Set(this.ranked.map(stem)));
  }

  /** Whether a word of the site is this, begins so, or differs in its ending alone. */
  isKnown(word) {
    return word.length < 2 || UNSPACED.test(word) || this.words.includes(` ${word}`) ||
      this.stems.has(stem(word));
  }

  /** The word that was probably meant, empty where none is near. Of equally near ones that of the
   *  most pages. */
  nearest(word) {
    if (word.length < LEAST_LETTERS || /^\p{N}+$/u.test(word)) return "";
    let most = word.length < 8 ? 1 : 2;
    let best = "";
    for (const known of this.ranked) {
      const far = distance(word, known, most);
      if (far > most) continue;
      best = known;
      if (far <= 1) break;
      most = far - 1;
    }
    return best;
  }

  /** A query as the index should be asked, with each word that no record has.
   *
   *  `text` has the nearest word in place of an unknown one, or nothing where none is near;
   *  `unknown` lists `{ word, near }`. A query whose words are all known stays as it was typed. */
  read(query) {
    const unknown = [];
    const words = (fold(query).match(WORD) || []).map((word) => {
      if (this.isKnown(word)) return word;
      const near = this.nearest(word);
      unknown.push({ word, near });
      return near;
    });
    return { text: unknown.length ? words.filter(Boolean).join(" ") : query, unknown };
  }

  /** The pages whose name was typed: those written so first, begun ones last. */
  named(query) {
    const typed = bare(query.replace(/\s/g, " "));
    if (typed.length < 2) return [];
    this.bare ??= `\n${bare(this.names)}\n`;
    const letters = fold(query.trim());
    const whole = [...lines(this.bare, `\n${typed}\n`)].map((line) => this.page(line));
    const same = (one) => Number(fold(one.name) === letters);
    const found = new Map();
    for (const one of whole.sort((a, b) => same(b) - same(a))) if (!found.has(one.path)) found.set(one.path, one);
    if (typed.length >= LEAST_LETTERS) {
      for (const line of lines(this.bare, `\n${typed}`)) {
        if (found.size >= MOST_NAMES) break;
        const one = this.page(line);
        if (!found.has(one.path)) found.set(one.path, one);
      }
    }
    return [...found.values()].slice(0, MOST_NAMES);
  }

  /** What a line says of its name: path, title, kind and count. What is left out is the name's own. */
  page(line) {
    this.nameLines ??= this.names.split("\n");
    this.pageLines ??= this.pages.split("\n");
    const name = this.nameLines[line];
    const [path, title, kind, count] = this.pageLines[line].split("\t");
    const id = path.startsWith(INCIDENTS) ? path.slice(INCIDENTS.length) : "";
    return {
      name, kind: kind || "", count: Number(count || 0), path: path || INCIDENTS + name,
      title: title || (id && this.titleOf(id)) || name,
    };
  }

  /** An alias has the title of its incident. */
  titleOf(id) {
    const line = this.nameLines.findIndex((name, place) => name === id && this.pageLines[place].startsWith("\t"));
    return line < 0 ? "" : this.pageLines[line].split("\t")[1];
  }
}
