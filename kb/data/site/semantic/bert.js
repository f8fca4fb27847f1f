// What is the vector of a text? The forward pass of a BERT encoder, mean pooling, unit length.

/** The error function to 1.5e-7: Abramowitz and Stegun, formula 7.1.26. */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  const value = 1 - sum * Math.exp(-x * x);
  return x < 0 ? -value : value;
}

function gelu(rows) {
  for (let i = 0; i < rows.length; i++) rows[i] *= 0.5 * (1 + erf(rows[i] * Math.SQRT1_2));
}

function add(rows, others) {
  for (let i = 0; i < rows.length; i++) rows[i] += others[i];
}

/** Each row to mean 0 and variance 1, then scaled and shifted. */
function normalize(rows, { weight, bias }, epsilon) {
  const width = weight.length;
  for (let start = 0; start < rows.length; start += width) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += rows[start + i];
    const mean = sum / width;
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (rows[start + i] - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / width + epsilon);
    for (let i = 0; i < width; i++) {
      rows[start + i] = (rows[start + i] - mean) * scale * weight[i] + bias[i];
    }
  }
}

/** Rows times a matrix, plus a bias: four rows share each pass over a row of the matrix. */
function linear(rows, { matrix, bias }) {
  const outs = bias.length;
  const width = matrix.length / outs;
  const count = rows.length / width;
  const made = new Float32Array(count * outs);
  for (let row = 0; row < count; row += 4) {
    // Past the last row the sums are of the last one, and are not kept.
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => Math.min(row + i, count - 1) * width);
    for (let out = 0; out < outs; out++) {
      const base = out * width;
      let p = 0, q = 0, r = 0, s = 0;
      for (let i = 0; i < width; i++) {
        const weight = matrix[base + i];
        p += weight * rows[a + i];
        q += weight * rows[b + i];
        r += weight * rows[c + i];
        s += weight * rows[d + i];
      }
      [p, q, r, s].forEach((sum, i) => {
        if (row + i < count) made[(row + i) * outs + out] = sum + bias[out];
      });
    }
  }
  return made;
}

function softmax(scores) {
  const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += scores[i] = Math.exp(scores[i] - most);
  for (let i = 0; i < scores.length; i++) scores[i] /= sum;
}

/** Every row as what it attends to in all rows, head by head. */
function attention(query, key, value, width, heads) {
  const count = query.length / width;
  const size = width / heads;
  const scale = 1 / Math.sqrt(size);
  const made = new Float32Array(query.length);
  const scores = new Float32Array(count);
  for (let at = 0; at < width; at += size) {
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) {
        let sum = 0;
        for (let k = at; k < at + size; k++) sum += query[i * width + k] * key[j * width + k];
        scores[j] = sum * scale;
      }
      softmax(scores);
      for (let j = 0; j < count; j++) {
        for (let k = at; k < at + size; k++) made[i * width + k] += scores[j] * value[j * width + k];
      }
    }
  }
  return made;
}

function pooled(rows, width) {
  const vector = new Float32Array(width);
  for (let i = 0; i < rows.length; i++) vector[i % width] += rows[i];
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0)) || 1;
  return vector.map((x) => x / length);
}

export class Bert {
  constructor({ facts, arrays }) {
    this.facts = facts;
    this.arrays = arrays;
    this.layers = Array.from({ length: facts.layers }, (_, n) => this.layer(`${n}.`));
    this.norm = this.normOf("norm");
  }

  layer(prefix) {
    const matrices = ["query", "key", "value", "attended", "wide", "narrow"];
    const norms = ["attended_norm", "narrow_norm"];
    return Object.fromEntries([
      ...matrices.map((name) => [name, this.matrixOf(prefix + name)]),
      ...norms.map((name) => [name, this.normOf(prefix + name)]),
    ]);
  }

  /** A matrix as floats: 42 MB of memory in all, for a third of the time of each query. */
  matrixOf(name) {
    const small = this.arrays[name];
    const factors = this.arrays[`${name}.factors`];
    const width = small.length / factors.length;
    const matrix = new Float32Array(small.length);
    for (let i = 0; i < small.length; i++) matrix[i] = small[i] * factors[(i / width) | 0];
    return { matrix, bias: this.arrays[`${name}.bias`] };
  }

  normOf(name) {
    return { weight: this.arrays[`${name}.weight`], bias: this.arrays[`${name}.bias`] };
  }

  /** The unit vector of the tokens' ids. */
  encode(ids) {
    const { width, heads, epsilon } = this.facts;
    let rows = this.embedded(ids);
    for (const layer of this.layers) {
      const [query, key, value] = [layer.query, layer.key, layer.value].map((m) => linear(rows, m));
      const attended = linear(attention(query, key, value, width, heads), layer.attended);
      add(attended, rows);
      normalize(attended, layer.attended_norm, epsilon);
      const wide = linear(attended, layer.wide);
      gelu(wide);
      rows = linear(wide, layer.narrow);
      add(rows, attended);
      normalize(rows, layer.narrow_norm, epsilon);
    }
    return pooled(rows, width);
  }

  embedded(ids) {
    const { width, epsilon } = this.facts;
    const { word, position, type } = this.arrays;
    const factors = this.arrays["word.factors"];
    const rows = new Float32Array(ids.length * width);
    ids.forEach((id, place) => {
      for (let i = 0; i < width; i++) {
        rows[place * width + i] =
          word[id * width + i] * factors[id] + position[place * width + i] + type[i];
      }
    });
    normalize(rows, this.norm, epsilon);
    return rows;
  }
}
