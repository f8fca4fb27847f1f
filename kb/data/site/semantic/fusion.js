// In which order do incidents stand that words and meaning found? One list of both.

/** What the most by words is worth in cosine. Chosen on `site-prompts` and `names`, two lists of
 *  tests/bench/semantic.py; the form of the sum was chosen with all of its lists in view. */
const WORD_VALUE = 0.2;
/** The least cosine that is shown, and the one the best must have: of 200 texts about other things
 *  a tenth came nearer than that to the casebook, of 85 prompts about its incidents all did. */
const SHOWN = 0.25;
const NEAR = 0.3;

/** Ids best first; none where nothing is near and no page has all the words.
 *
 *  `all` are the ids that have all the words, `shares` maps ids to what words say, 0 to 1, and
 *  `near` holds the cosine of every incident. */
export function fused(all, shares, near) {
  if (!all.length && !near.some(({ similarity }) => similarity >= NEAR)) return [];
  const scores = new Map();
  for (const { id, similarity } of near) {
    if (similarity >= SHOWN || all.includes(id)) {
      scores.set(id, similarity + WORD_VALUE * (shares.get(id) || 0));
    }
  }
  return [...scores.keys()].sort((a, b) => scores.get(b) - scores.get(a));
}
