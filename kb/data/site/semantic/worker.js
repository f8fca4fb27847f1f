// Which incidents are near a text in meaning? Answered beside the page, so that typing never waits.

import { unpack } from "./arrays.js";
import { Bert } from "./bert.js";
import { WordPieces } from "./wordpiece.js";

let pieces, bert, told;

/** The best passage of every record, as id, cosine and the heading it stands under. */
function nearest(vector) {
  const { facts, arrays } = told;
  const { vectors, factors, heading } = arrays;
  const width = facts.dimension;
  let row = 0;
  return facts.records.map(([id, count]) => {
    let best = -1;
    let under = 0;
    for (const end = row + count; row < end; row++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += vectors[row * width + i] * vector[i];
      if (sum * factors[row] > best) {
        best = sum * factors[row];
        under = heading[row];
      }
    }
    return { id, similarity: best, section: facts.headings[under] };
  });
}

const TASKS = {
  load({ model, vocabulary, documents }) {
    const weights = unpack(model);
    pieces = new WordPieces(new TextDecoder().decode(vocabulary), weights.facts.max_tokens);
    bert = new Bert(weights);
    told = unpack(documents);
  },
  tokens: ({ text }) => pieces.encode(text),
  vector: ({ text }) => bert.encode(pieces.encode(text)),
  search: ({ text }) => nearest(bert.encode(pieces.encode(text))),
};

addEventListener("message", ({ data }) => {
  try {
    postMessage({ number: data.number, answer: TASKS[data.task](data) });
  } catch (error) {
    postMessage({ number: data.number, error: String(error) });
  }
});
