// How are arrays read that came in one file? A JSON header, then the arrays: see packing.py.

const TYPES = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array };

/** The facts of a packed file, and its arrays by name, as views that copy nothing. */
export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  for (const [name, [kind, start, size]] of Object.entries(header.arrays)) {
    arrays[name] = new TYPES[kind](buffer, 4 + length + start, size);
  }
  return { facts: header, arrays };
}
