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

function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** A name without what people leave out or write otherwise: `pay_courier`, `pay courier`. */
function bare(name) {
  if (ASCII.test(name)) return name.toLowerCase().replace(/[^a-z0-9]+/g, "");
  return fold(name).replace(/[^\p{L}\p{N}]/gu, "");
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

/** What the site says and what it is called, from `data/lexicon.json`. */
export class Lexicon {
  constructor(data) {
    this.ranked = data.words ? data.words.split(" ") : [];
    this.words = new Set(this.ranked);
    this.names = data.names.map((one) => ({
      kind: "", count: 0, title: one.name, path: "incidents/" + one.name, ...one, bare: bare(one.name),
    }));
  }

  /** Only a word that no page has needs these: most queries are answered before they are made. */
  get sorted() {
    return (this.inOrder ??= [...this.ranked].sort());
  }

  get stems() {
    return (this.stemmed ??= new Set(this.ranked.map(stem)));
  }

  isKnown(word) {
    return word.length < 2 || UNSPACED.test(word) || this.words.has(word) ||
      this.begins(word) || this.stems.has(stem(word));
  }

  /** Whether a word of the site begins so. */
  begins(part) {
    let low = 0;
    let high = this.sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.sorted[middle] < part) low = middle + 1;
      else high = middle;
    }
    return low < this.sorted.length && this.sorted[low].startsWith(part);
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
    const typed = bare(query);
    if (typed.length < 2) return [];
    const letters = fold(query.trim());
    const same = (one) => Number(fold(one.name) === letters);
    const whole = this.names.filter((one) => one.bare === typed).sort((a, b) => same(b) - same(a));
    const begun = typed.length < LEAST_LETTERS ? [] :
      this.names.filter((one) => one.bare !== typed && one.bare.startsWith(typed));
    const found = [...whole, ...begun];
    return found.filter((one, place) => found.findIndex((other) => other.path === one.path) === place)
      .slice(0, MOST_NAMES);
  }
}
