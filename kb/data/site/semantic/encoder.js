// How do the encoder's files come into the browser, once? Fetched with progress, kept by content.

const STORE = "kb-semantic";
const PARTS = ["model", "vocabulary", "documents"];

/** The browser's own store, null where it has none: then its ordinary cache must do. */
async function opened() {
  try {
    return await caches.open(STORE);
  } catch {
    return null; // no secure context, or storage is forbidden
  }
}

async function manifestOf(folder) {
  const answer = await fetch(new URL("manifest.json", folder), { cache: "no-cache" });
  if (!answer.ok) throw new Error(`manifest.json: ${answer.status}`);
  return answer.json();
}

/** Whether the model lies in the browser's store, so that starting costs no long load. */
export async function isKept(folder) {
  const store = await opened();
  if (!store) return false;
  const manifest = await manifestOf(folder);
  return Boolean(await store.match(new URL(manifest.model, folder)));
}

/** The bytes of an answer; `count` is called with the size of each piece as it comes. */
async function read(answer, count) {
  const pieces = [];
  const reader = answer.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(pieces).arrayBuffer();
    pieces.push(value);
    count(value.length);
  }
}

async function part(url, store, count) {
  const kept = store && (await store.match(url));
  const answer = kept || (await fetch(url));
  if (!answer.ok) throw new Error(`${url.pathname}: ${answer.status}`);
  const bytes = await read(answer, count);
  // A full disk must not stop the search: the next visit loads again.
  if (store && !kept) await store.put(url, new Response(bytes)).catch(() => {});
  return bytes;
}

/** Remove what an older build left below this folder. */
async function tidy(store, folder, wanted) {
  if (!store) return;
  for (const request of await store.keys()) {
    if (request.url.startsWith(folder.href) && !wanted.includes(request.url)) await store.delete(request);
  }
}

/** An encoder in a worker. `progress` is called with bytes that have come and bytes in all. */
export async function load(folder, progress) {
  const manifest = await manifestOf(folder);
  const store = await opened();
  const urls = PARTS.map((name) => new URL(manifest[name], folder));
  let come = 0;
  const count = (size) => progress((come += size), manifest.bytes);
  const buffers = await Promise.all(urls.map((url) => part(url, store, count)));
  await tidy(store, folder, urls.map((url) => url.href));
  const ask = started(folder);
  await ask("load", Object.fromEntries(PARTS.map((name, i) => [name, buffers[i]])), buffers);
  return ask;
}

/** A worker as a function from a task to the promise of its answer. */
function started(folder) {
  const worker = new Worker(new URL("worker.js", folder), { type: "module" });
  const waiting = new Map();
  let number = 0;
  worker.addEventListener("message", ({ data }) => {
    const { resolve, reject } = waiting.get(data.number);
    waiting.delete(data.number);
    if (data.error) reject(new Error(data.error));
    else resolve(data.answer);
  });
  worker.addEventListener("error", (event) => {
    waiting.forEach(({ reject }) => reject(new Error(event.message || "the worker stopped")));
    waiting.clear();
  });
  return (task, more = {}, moved = []) =>
    new Promise((resolve, reject) => {
      waiting.set(++number, { resolve, reject });
      worker.postMessage({ ...more, task, number }, moved);
    });
}
