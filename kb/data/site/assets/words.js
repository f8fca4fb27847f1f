// What do single words say? The site's own word index, asked word by word, so that none is a must.

const WORD = /[\p{L}\p{N}]+/gu;
/** Words of a long text that are asked; each costs about a millisecond. */
const MOST_WORDS = 40;
/** Pages whose place among the words is worth reading: each is a small file. */
const READ = 15;

/** Pages that hold some of the words, best first, as the index's results with a share of 0 to 1.
 *
 *  A word gives a page its score there, as a part of the word's best, times the word's rarity as
 *  BM25 counts it. `pages` is how many there are. */
export async function loosely(pagefind, text, filters, pages) {
  const words = [...new Set(text.toLowerCase().match(WORD))].slice(0, MOST_WORDS);
  const answers = await Promise.all(words.map((word) => pagefind.search(word, { filters })));
  const scores = new Map();
  for (const { results } of answers) {
    const most = Math.max(...results.map((result) => result.score)) || 1;
    const others = Math.max(pages - results.length, 0);
    const rarity = Math.log(1 + (others + 0.5) / (results.length + 0.5));
    for (const result of results) {
      const seen = scores.get(result.id) || { result, score: 0 };
      scores.set(result.id, { ...seen, score: seen.score + (rarity * result.score) / most });
    }
  }
  const best = [...scores.values()].sort((a, b) => b.score - a.score).slice(0, READ);
  return best.map(({ result, score }) => ({ result, share: score / best[0].score }));
}
